"""Statements that add a row, composed once a process, as ``accounts.prepared`` does with queries.

For the models of which each request of a kind adds one: saving an instance composes the statement
anew, which takes longer than PostgreSQL does to add the row.
"""

from functools import cached_property

from django.db import connection
from django.db.models import Model
from django.db.models.sql import InsertQuery


class PreparedInsert:
    """Adds new rows of ``model``: one without parents, and whose key does not come of the database.

    What an instance's ``save`` would do, with one statement and no signals.
    """

    def __init__(self, model: type[Model]) -> None:
        self._model = model

    def __call__(self, row: Model) -> None:
        """Add ``row``.

        Raises:
            IntegrityError: as ``save`` would; a transaction around it needs a savepoint to go on.
        """
        values = [
            field.get_db_prep_save(field.pre_save(row, add=True), connection)
            for field in self._model._meta.concrete_fields
        ]
        with connection.cursor() as cursor:
            cursor.execute(self._statement, values)
        row._state.adding, row._state.db = False, connection.alias

    @cached_property
    def _statement(self) -> str:
        query = InsertQuery(self._model)
        query.insert_values(self._model._meta.concrete_fields, [self._model()])
        [(statement, _)] = query.get_compiler(connection=connection).as_sql()
        return statement
