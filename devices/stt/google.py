"""Google's speech service of the Chromium browser, as SpeechRecognition knows it.

The library makes the request and reads the answer; between them is our own call, with time limits.
"""

from django.conf import settings

from accounts.upstream import http
from devices.audio import RATE

SERVICE = "speech engine"


def recognise(flac: bytes, language: str) -> str | None:
    """Return what is said in ``flac``, None for nothing.

    Raises:
        http.Busy: too many requests wait for services already.
        http.Unavailable: Google failed, or took too long.
    """
    # Here, since it is megabytes of code that no other engine needs.
    from speech_recognition.exceptions import UnknownValueError
    from speech_recognition.recognizers.google import OutputParser, create_request_builder

    builder = create_request_builder(
        endpoint=f"{settings.GOOGLE_STT_URL}/recognize",
        key=settings.GOOGLE_STT_KEY,
        language=language,
    )
    headers = {"Content-Type": f"audio/x-flac; rate={RATE}"}
    answer = http.call(SERVICE, "POST", builder.build_url(), data=flac, headers=headers)
    if answer.status != 200:
        raise http.Unavailable(SERVICE)
    parser = OutputParser(show_all=False, with_confidence=False)
    try:
        return str(parser.parse(answer.content.decode()))
    except UnknownValueError:
        return None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise http.Unavailable(SERVICE) from error
