"""Alice in front of a real server: her browser is already signed in, and she allows what is asked."""

import re
from urllib.parse import urlsplit

import httpx


def allow(page_url: str, cookie: str) -> str:
    """Open the consent page, allow it; gives the address that the answer goes to."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(page_url))
    with httpx.Client(cookies={"ap_session": cookie}, timeout=60) as browser:
        page = browser.get(page_url, headers={"Accept": "text/html"})
        # A refusal is in the address that it goes back to.
        said = page.headers.get("Location", page.text[:2000])
        assert page.status_code == 200, (page.status_code, said)
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        form["decision"] = "approve"
        answer = browser.post(page_url, data=form, headers={"Referer": page_url, "Origin": origin})
    assert answer.status_code == 303, (answer.status_code, answer.text[:2000])
    return answer.headers["Location"]
