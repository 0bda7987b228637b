"""Any server with OpenAI's API of transcriptions, version 1.

https://platform.openai.com/docs/api-reference/audio/createTranscription
Not through SpeechRecognition: it would want OpenAI's own client, which follows redirects and reads
answers of any length.
"""

import orjson
from django.conf import settings

from accounts.upstream import http

SERVICE = "speech engine"
MODEL = "whisper-1"


def recognise(flac: bytes, language: str) -> str | None:
    """Return what is said in ``flac``.

    Raises:
        http.Busy: too many requests wait for services already.
        http.Unavailable: the server failed, or took too long.
    """
    answer = http.call(
        SERVICE,
        "POST",
        f"{settings.STT_OPENAI_URL}/audio/transcriptions",
        data={
            "model": settings.STT_MODEL or MODEL,
            "language": language.partition("-")[0].lower(),
            "response_format": "json",
        },
        files={"file": ("speech.flac", flac, "audio/flac")},
        headers=_authorization(),
    )
    if answer.status != 200:
        raise http.Unavailable(SERVICE)
    return _text(answer.content)


def _authorization() -> dict[str, str]:
    key = settings.STT_OPENAI_KEY
    return {"Authorization": f"Bearer {key}"} if key else {}


def _text(content: bytes) -> str:
    try:
        text = orjson.loads(content)["text"]
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        raise http.Unavailable(SERVICE) from error
    if not isinstance(text, str):
        raise http.Unavailable(SERVICE)
    return text
