"""An index that finds by how a text begins."""

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement


class PrefixIndex(models.Index):
    """An index of one text expression that serves ``LIKE 'abc%'``, whatever the collation.

    PostgreSQL wants an operator class for that, which Django takes for columns only without
    ``django.contrib.postgres``. SQLite uses no index for LIKE, and a household needs none.
    """

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **options: object,
    ) -> Statement:
        statement = super().create_sql(model, schema_editor, using, **options)
        if schema_editor.connection.vendor == "postgresql":
            parts: dict[str, object] = statement.parts  # type: ignore[assignment]
            parts["columns"] = f"{parts['columns']} text_pattern_ops"
        return statement
