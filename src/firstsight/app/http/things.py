"""Things of a gallery: listed, shown, renamed, described, merged, removed, forgotten."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from firstsight.app.http import shapes
from firstsight.app.http.asking import (
    MOST_A_PAGE,
    Reader,
    TheChange,
    TheDesk,
    name_of,
)
from firstsight.app.http.replying import Reply
from firstsight.errors import GalleryError, NotInGallery, UsageError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import Thing

__all__ = ["ThingNumber", "router"]

router = APIRouter(prefix="/v1/galleries/{gallery}", tags=["things"])

ThingNumber = Annotated[int, Path(ge=1, le=2**53)]
Limit = Annotated[int, Query(ge=1, le=MOST_A_PAGE)]


class Changing(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = None
    notes: str | None = None
    tags: list[str] | None = Field(None, max_length=100)


class Merging(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    into: int = Field(ge=1, le=2**53, description="The number of the thing that gets the photos.")


class Unmerging(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(description="Of the thing that was merged away.")


@router.get("/things", response_model=shapes.Things)
async def list_things(
    caller: Reader,
    desk: TheDesk,
    containing: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[
        str, Query(max_length=200, description="The last name of the page before.")
    ] = "",
    limit: Limit = 50,
) -> Reply:
    """By name, a page at a time; `next`, where there is one, is the next page's `after`."""
    found = await desk.look(
        lambda gallery: gallery.things_after(after, limit + 1, containing=containing)
    )
    more = found[limit - 1].name if len(found) > limit else None
    return Reply({"things": [asdict(each) for each in found[:limit]], "next": more})


@router.get("/things/{thing}", response_model=Thing)
async def show_thing(caller: Reader, desk: TheDesk, thing: ThingNumber) -> Reply:
    found = await desk.look(lambda gallery: gallery.thing(name_of(gallery, thing)))
    return Reply(asdict(found))


@router.get("/things/{thing}/photos", response_model=shapes.Photos)
async def list_photos(
    caller: Reader,
    desk: TheDesk,
    thing: ThingNumber,
    after: Annotated[int, Query(ge=0, le=2**53, description="The last number before.")] = 0,
    limit: Limit = 50,
) -> Reply:
    """By number, a page at a time."""
    found = await desk.look(
        lambda gallery: gallery.photos_after(name_of(gallery, thing), after, limit + 1)
    )
    more = found[limit - 1].id if len(found) > limit else None
    return Reply({"photos": [asdict(each) for each in found[:limit]], "next": more})


@router.patch("/things/{thing}", response_model=Thing)
async def change_thing(change: TheChange, thing: ThingNumber, asked: Changing) -> Reply:
    """Rename it, or give it notes and tags; each is a step that can be undone."""

    def act(gallery: Gallery) -> dict[str, Any]:
        if asked.notes is not None or asked.tags is not None:
            gallery.describe(name_of(gallery, thing), notes=asked.notes, tags=asked.tags)
        elif asked.name is None:
            raise UsageError("nothing is to change; give name, notes or tags")
        if asked.name is not None:
            gallery.rename(name_of(gallery, thing), asked.name)
        return asdict(gallery.thing(name_of(gallery, thing)))

    return await change.make(act, asked)


@router.post("/things/{thing}/merge", response_model=Thing)
async def merge_thing(change: TheChange, thing: ThingNumber, asked: Merging) -> Reply:
    """Give all its photos to another thing, and let it go."""

    def act(gallery: Gallery) -> dict[str, Any]:
        into = name_of(gallery, asked.into)
        gallery.merge(name_of(gallery, thing), into=into)
        return asdict(gallery.thing(into))

    return await change.make(act, asked)


@router.post("/unmerge", response_model=Thing)
async def unmerge_thing(change: TheChange, asked: Unmerging) -> Reply:
    """Bring back a thing that was merged away, whatever came after."""

    def act(gallery: Gallery) -> dict[str, Any]:
        gallery.unmerge(asked.name)
        return asdict(gallery.thing(asked.name))

    return await change.make(act, asked)


@router.delete("/things/{thing}", response_model=shapes.Removed)
async def remove_thing(change: TheChange, thing: ThingNumber) -> Reply:
    """Take it out; undo brings it back."""

    def act(gallery: Gallery) -> dict[str, Any]:
        name = name_of(gallery, thing)
        gallery.remove(name)
        return {"removed": name}

    return await change.make(act)


@router.post("/things/{thing}/forget", response_model=shapes.Forgotten)
async def forget_thing(change: TheChange, thing: ThingNumber) -> Reply:
    """Erase it for good, with its photos, verdicts and history; nothing brings it back.

    Also one that was removed or merged away; photos that were merged into another thing stay there.
    """

    def act(gallery: Gallery) -> dict[str, Any]:
        gone = gallery.forget(_name_to_forget(gallery, thing))
        return {"forgotten": {"photos": gone.n_photos, "verdicts": gone.n_verdicts}}

    return await change.make(act)


def _name_to_forget(gallery: Gallery, thing: int) -> str:
    """Of a thing that is here or was; GalleryError where the name is another's now, for forgetting
    goes by names."""
    name = name_of(gallery, thing, also_gone=True)
    try:
        holder = gallery.thing(name).id
    except NotInGallery:
        return name
    if holder != thing:
        raise GalleryError(
            f"thing {thing} is gone, and {name!r} is thing {holder} now; forget that one, and what "
            "else had its name goes with it"
        )
    return name
