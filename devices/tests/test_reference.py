import pytest

from accounts.tests.threads import at_once
from devices import reference
from devices.models import PocketsphinxSettings, Tag, TagValue, Voice, WakeWord
from devices.tests.factories import make_voice, make_wake_word


@pytest.mark.usefixtures("shipped")
def test_the_voices_that_ship_are_those_that_devices_know():
    voices = Voice.objects.values_list("display_name", "engine", "setting_name")

    assert list(voices) == [
        ("American Female", "mimic", "ap"),
        ("American Male", "mimic2", "kusal"),
        ("British Male", "mimic", "ap"),
        ("Google Free Voice", "google", ""),
    ]


@pytest.mark.usefixtures("shipped")
def test_each_wake_word_that_ships_can_be_spotted_by_either_engine():
    words = WakeWord.objects.values_list("name", "engine", "pocketsphinx__threshold")

    assert list(words) == [
        ("christopher", "precise", "1e-25"),
        ("hey ezra", "precise", "1e-10"),
        ("hey jarvis", "precise", "1e-25"),
        ("hey mycroft", "precise", "1e-90"),
    ]


@pytest.mark.usefixtures("shipped")
def test_each_tag_that_ships_has_answers():
    assert Tag.objects.count() == 5
    assert all(tag.values.count() >= 2 for tag in Tag.objects.all())


@pytest.mark.django_db
def test_loading_says_how_much_is_new():
    assert reference.load_shipped() == 4 + 4 + 5


@pytest.mark.usefixtures("shipped")
def test_a_second_load_changes_nothing():
    before = [list(model.objects.values()) for model in (Voice, WakeWord, Tag, TagValue)]

    added = reference.load_shipped()

    assert added == 0
    assert before == [list(model.objects.values()) for model in (Voice, WakeWord, Tag, TagValue)]


@pytest.mark.usefixtures("shipped")
def test_what_an_operator_renamed_or_removed_stays_so():
    Voice.objects.filter(display_name="British Male").update(display_name="Alan")
    Voice.objects.filter(display_name="Google Free Voice").delete()
    WakeWord.objects.get(name="hey ezra").delete()
    PocketsphinxSettings.objects.all().delete()
    Tag.objects.get(name="gender").delete()
    TagValue.objects.filter(value="child").delete()

    reference.load_shipped()

    names = Voice.objects.values_list("display_name", flat=True)
    assert list(names) == ["Alan", "American Female", "American Male"]
    assert not WakeWord.objects.filter(name="hey ezra").exists()
    assert not PocketsphinxSettings.objects.exists()
    assert not Tag.objects.filter(name="gender").exists()
    assert not TagValue.objects.filter(value="child").exists()


@pytest.mark.django_db
def test_what_an_operator_added_before_the_first_load_is_not_replaced():
    voice = make_voice("British Male", "piper", "alan")
    wake_word = make_wake_word("hey mycroft", "precise")
    tag = Tag.objects.create(name="gender", title="Voice", instructions="Which?", priority=99)

    reference.load_shipped()

    assert Voice.objects.get(display_name="British Male") == voice
    assert Voice.objects.count() == 4
    assert WakeWord.objects.get(name="hey mycroft") == wake_word
    assert WakeWord.objects.count() == 4
    assert Tag.objects.get(name="gender") == tag
    assert not tag.values.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["hey mycroft", "Hey Mycroft", "HEY MYCROFT"])
def test_a_wake_word_is_found_in_any_case(name):
    wake_word = make_wake_word("hey mycroft")

    assert reference.wake_word_named(name) == wake_word


@pytest.mark.django_db
def test_a_name_that_two_engines_have_stands_for_precise():
    make_wake_word("hey mycroft", "pocketsphinx")
    precise = make_wake_word("hey mycroft", "precise")

    assert reference.wake_words() == [precise]
    assert reference.wake_word_named("hey mycroft") == precise


@pytest.mark.usefixtures("shipped")
def test_voices_are_listed_by_name_without_a_login(api):
    response = api.get("/api/voices")

    assert response.status_code == 200
    names = ["American Female", "American Male", "British Male", "Google Free Voice"]
    assert response.json() == [
        {
            "id": str(Voice.objects.get(display_name=name).pk),
            "name": name,
            "userDefined": False,
        }
        for name in names
    ]


@pytest.mark.django_db
def test_voices_are_listed_to_a_browser_whose_login_has_ended(api):
    api.cookies["seleneAccess"] = "garbage"

    response = api.get("/api/voices")

    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.usefixtures("shipped")
def test_wake_words_are_listed_by_name(account_client):
    response = account_client.get("/api/wake-words")

    assert response.status_code == 200
    assert response.json() == [
        {"id": str(WakeWord.objects.get(name=name).pk), "name": name, "userDefined": False}
        for name in ["christopher", "hey ezra", "hey jarvis", "hey mycroft"]
    ]


@pytest.mark.django_db
def test_wake_words_need_a_login(api):
    response = api.get("/api/wake-words")

    assert response.status_code == 401
    assert list(response.json()) == ["error"]


@pytest.mark.django_db(transaction=True)
def test_two_first_starts_at_once_load_one_set():
    at_once(reference.load_shipped, reference.load_shipped)

    assert (Voice.objects.count(), WakeWord.objects.count(), Tag.objects.count()) == (4, 4, 5)
    assert PocketsphinxSettings.objects.count() == 4
    assert TagValue.objects.count() == 15
