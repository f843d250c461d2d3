# SPDX-License-Identifier: Apache-2.0
"""Lists and their pages: what can be kept between two pages, and for how long."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from fluxsm.api.objects import Kind, Manifest
from fluxsm.core.ports import Page
from fluxsm.errors import ExpiredError, InvalidError, NotFoundError
from tests.contract.samples import CONFIG_MAP, config_map, ref_of
from tests.contract.subjects import Subject

SECRET = Kind("", "v1", "Secret")


def _page(subject: Subject, token: str = "", *, limit: int = 2) -> Page:
    return subject.cluster.list_page(
        CONFIG_MAP, namespace=subject.namespace, labels="page", limit=limit, token=token
    )


def _create(subject: Subject, *names: str) -> None:
    for name in names:
        labels = {"page": "yes"}
        subject.cluster.create(config_map(subject.namespace, name, metadata={"labels": labels}))


def _names(items: Iterable[Manifest]) -> list[str]:
    return [item["metadata"]["name"] for item in items]


def test_a_list_comes_in_pages(subject: Subject) -> None:
    """All objects, once each, whatever the size of a page."""
    for number in range(5):
        labels = {"odd": "yes"} if number % 2 else {}
        subject.cluster.create(
            config_map(subject.namespace, f"c{number}", metadata={"labels": labels})
        )
    found = subject.cluster.list(CONFIG_MAP, namespace=subject.namespace, limit=2, labels="!x")
    names = [item["metadata"]["name"] for item in found]
    assert [name for name in names if name.startswith("c")] == ["c0", "c1", "c2", "c3", "c4"]
    odd = subject.cluster.list(CONFIG_MAP, namespace=subject.namespace, labels="odd=yes")
    assert [item["metadata"]["name"] for item in odd] == ["c1", "c3"]


def test_a_page_goes_on_where_its_token_says(subject: Subject) -> None:
    """A token is all that has to be kept; it can be used again, and the last page has none."""
    _create(subject, "c0", "c1", "c2", "c3", "c4")
    first = _page(subject)
    second = _page(subject, first.token)
    third = _page(subject, second.token)
    assert [_names(page.items) for page in (first, second, third)] == [
        ["c0", "c1"],
        ["c2", "c3"],
        ["c4"],
    ]
    assert not third.token
    assert _page(subject, first.token).items == second.items


@pytest.mark.parametrize(("count", "more"), [(1, False), (2, False), (3, True)])
def test_only_a_page_that_others_follow_has_a_token(
    subject: Subject, count: int, *, more: bool
) -> None:
    """Also where the objects fill the page to the last place."""
    for number in range(count):
        subject.cluster.create({**config_map(subject.namespace, f"s{number}"), "kind": "Secret"})
    found = subject.cluster.list_page(SECRET, namespace=subject.namespace, limit=2)
    assert (len(found.items), bool(found.token)) == (min(count, 2), more)


def test_the_last_page_may_be_empty(subject: Subject) -> None:
    """The API server looks for what a selector selects only when it is asked for more."""
    _create(subject, "c0", "c1")
    subject.cluster.create(config_map(subject.namespace, "without-the-label"))
    first = _page(subject)
    assert _names(first.items) == ["c0", "c1"]
    assert first.token
    assert _page(subject, first.token) == Page(items=())


def test_all_pages_show_the_same_moment(subject: Subject) -> None:
    """Writes between two pages are not seen: nothing is missed, and nothing is seen twice."""
    _create(subject, "c1", "c2", "c3")
    first = _page(subject, limit=1)
    subject.cluster.patch(ref_of(config_map(subject.namespace, "c2")), {"data": {"a": "new"}})
    subject.cluster.delete(ref_of(config_map(subject.namespace, "c3")))
    _create(subject, "c0", "c4")
    rest = _page(subject, first.token, limit=5)
    assert _names(rest.items) == ["c2", "c3"]
    assert "data" not in rest.items[0]


def test_a_token_expires_with_the_history(forgetful: Subject) -> None:
    """The list begins again, with what is there then."""
    _create(forgetful, "c0", "c1", "c2")
    first = _page(forgetful)
    _create(forgetful, "c3")
    forgetful.compact()
    with pytest.raises(ExpiredError):
        _page(forgetful, first.token)
    assert _names(_page(forgetful, limit=5).items) == ["c0", "c1", "c2", "c3"]


def test_a_token_of_nobody_is_refused(subject: Subject) -> None:
    """It is an error of who asks, not one that passes."""
    with pytest.raises(InvalidError):
        _page(subject, "nonsense")


def test_a_page_is_of_a_kind_that_is_served(subject: Subject) -> None:
    """A token does not help where the kind is unknown."""
    with pytest.raises(NotFoundError):
        subject.cluster.list_page(Kind("nobody.example", "v1", "Thing"), limit=1)


def test_metadata_alone_can_be_listed(subject: Subject) -> None:
    """Nothing but metadata comes back, which keeps answers small."""
    subject.cluster.create(config_map(subject.namespace, data={"a": "1"}))
    (item,) = subject.cluster.list(
        CONFIG_MAP, namespace=subject.namespace, fields="metadata.name=c", metadata_only=True
    )
    assert set(item) == {"apiVersion", "kind", "metadata"}
    assert item["kind"] == "ConfigMap"
