"""Every minute: stuck bookings, lost messages, retention. On demand: the operators' tasks."""

from maitred.entrypoints.maintain import handle

handler = handle
