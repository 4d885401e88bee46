"""The signatures: HubSpot's published vectors, and agreement with its SDK."""

from __future__ import annotations

from hubspot.utils.signature import Signature

from connectors.emulator.hubspot import signature

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
BODY = (
    '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation",'
    '"attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
)


def test_version_1_reproduces_the_published_vector() -> None:
    assert signature.v1(SECRET, BODY.encode()) == "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"


def test_the_sdk_that_judges_us_reproduces_its_published_vector() -> None:
    found = Signature.get_signature(SECRET, "", "v2", "https://www.example.com/webhook_uri", "GET")
    assert found == "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"


def test_version_3_is_what_the_sdk_computes() -> None:
    uri, body = "https://truce.example/hooks?system=hubspot", '[{"propertyValue":"Ärger \U0001f600"}]'
    ours = signature.v3(SECRET, "POST", uri, body.encode(), "1763888042110")
    assert ours == Signature.get_signature(SECRET, body, "v3", uri, "POST", "1763888042110")
    assert ours != signature.v3(SECRET, "POST", uri, body.encode(), "1763888042111")


def test_only_the_documented_characters_of_the_uri_are_decoded() -> None:
    assert signature.plain_uri("https://a.example/h%2fook%3A%40?q=%20%26%2C%21") == "https://a.example/h/ook:@?q=%20%26,!"
