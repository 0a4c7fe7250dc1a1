"""The part of a policy pack about the features of documents that an agent looks for."""

from typing import Literal, Self

from pydantic import Field, model_validator

from contract import worksheet
from contract.phases import EvidenceKind, FeatureCategory
from teller.policy_parts import Part, Source, Title, Word, refuse_doubles


class Feature(Part):
    """Something that a genuine document shows."""

    id: Word
    category: FeatureCategory
    title: Title
    source: Source


class DocumentFeatures(Part):
    """What to look for on one document."""

    document: Literal[EvidenceKind.ID_CARD, EvidenceKind.ID_CARD_BACK, EvidenceKind.PASSPORT]
    features: tuple[Feature, ...] = Field(min_length=1, max_length=32)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_doubles(self.document, (one.id for one in self.features))
        return self


class Worksheet(Part):
    """Features of ``categories`` different categories are to be seen on one document; 0: the sheet is off.

    The phone takes ``pictures`` within ``seconds`` while the customer tilts the document.
    """

    categories: int = Field(default=0, ge=0, le=len(FeatureCategory))
    pictures: int = Field(default=10, ge=8, le=12)
    seconds: float = Field(default=4, ge=2, le=10)
    documents: tuple[DocumentFeatures, ...] = ()

    @model_validator(mode="after")
    def _enough(self) -> Self:
        refuse_doubles("worksheet", (one.document for one in self.documents))
        if self.categories and not self.documents:
            raise ValueError("worksheet: categories are wanted, and no document has features")
        for one in self.documents:
            if len({feature.category for feature in one.features}) < self.categories:
                raise ValueError(f"worksheet: {one.document} has fewer categories than are wanted")
        return self


def worksheet_plan(sheet: Worksheet) -> worksheet.Worksheet:
    """Return what conversations need of it."""
    documents = tuple(
        worksheet.DocumentFeatures(
            one.document,
            tuple(
                worksheet.Feature(feature.id, feature.category, feature.title.zh_cn, feature.title.en)
                for feature in one.features
            ),
        )
        for one in sheet.documents
    )
    return worksheet.Worksheet(sheet.categories, documents, sheet.pictures, sheet.seconds)
