"""Every bad request there is a row for."""

from tests.doors.askers import actions, keys, sessions
from tests.doors.rows import Row
from tests.doors.values import bodies, json_in_json, lists, names, values

ROWS: tuple[Row, ...] = (
    *keys(),
    *sessions(),
    *actions(),
    *json_in_json(),
    *values(),
    *lists(),
    *bodies(),
    *names(),
)
