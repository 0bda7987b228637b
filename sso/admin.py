"""Which platform's logins belong to which account, in the back office."""

from django.contrib import admin
from social_django.models import Association, Nonce, UserSocialAuth
from unfold.admin import ModelAdmin

from accounts.admin_mixins import ReadOnly

# The library's own pages: two of them show what only its protocol needs.
admin.site.unregister([Association, Nonce, UserSocialAuth])


@admin.register(UserSocialAuth)
class FederatedLoginAdmin(ReadOnly, ModelAdmin):
    """Links to Google, Facebook and GitHub; whoever may delete one ends that way of signing in."""

    list_display = ["user", "provider", "uid", "created"]
    list_filter = ["provider"]
    list_select_related = ["user"]
    search_fields = ["user__email", "uid"]
    fields = ["user", "provider", "uid", "created"]
