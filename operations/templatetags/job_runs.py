"""What templates of the back office tell of jobs."""

from django import template

from operations.models import JobRun

register = template.Library()


@register.simple_tag
def last_run(name: str) -> JobRun | None:
    """Return the last run of the job ``name``."""
    return JobRun.objects.filter(name=name).order_by("-started_at").first()
