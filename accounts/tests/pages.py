"""What a browser makes of a page."""

from html.parser import HTMLParser


class _Form(HTMLParser):
    """Collects the fields of a page as a browser would send them."""

    def __init__(self):
        super().__init__()
        self.sent, self.select, self.area = {}, None, None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        name, value = given.get("name"), given.get("value", "on" if "checked" in given else "")
        if tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in given:
            self.sent.setdefault(self.select, []).append(value)
        elif tag == "textarea" and name:
            self.area, self.sent[name] = name, [""]
        elif tag == "input" and name and _is_sent(given):
            self.sent.setdefault(name, []).append(value)

    def handle_data(self, data):
        if self.area:
            self.sent[self.area][0] += data

    def handle_endtag(self, tag):
        if tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None


def _is_sent(given):
    """Tell whether a browser sends this input, if nobody touches it."""
    if given.get("type") in ("checkbox", "radio"):
        return "checked" in given
    return given.get("type") not in ("submit", "button", "file")


def shown_form(response):
    """Return what a browser sends that shows ``response`` and changed nothing."""
    form = _Form()
    form.feed(response.text)
    form.close()
    return {
        name: [value.removeprefix("\n") for value in values]
        for name, values in form.sent.items()
        if not name.startswith("_")
    }
