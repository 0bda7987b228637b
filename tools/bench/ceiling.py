"""The least that Django can do: a view that answers 204, without middleware. What we measure by."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "tools.bench.ceiling_settings"
application = get_wsgi_application()
