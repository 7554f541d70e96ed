"""Tasks of Celery that report events, and one for beat that delivers what others put into an outbox."""

import os
from pathlib import Path

from celery import Celery

import tiktok_events as tt

app = Celery("shop", broker="filesystem://")
folder = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "queue"}
app.conf.update(broker_transport_options=folder, task_ignore_result=True, worker_hijack_root_logger=False)
client = tt.Client(tt.EventSource.from_env())
if "TIKTOK_OUTBOX_URL" in os.environ:
    outbox = tt.SQLiteOutbox(os.environ["TIKTOK_OUTBOX_URL"].removeprefix("sqlite:///"))
    app.conf.beat_schedule = {"tiktok": {"task": "tasks.deliver", "schedule": 1.0}}
else:
    tiktok = tt.BackgroundClient(client)


@app.task(name="tasks.ordered")
def ordered(number):
    tiktok.track(tt.Event("Purchase", event_id=number, user={"ttclid": "E.C.P.1"}))
    Path(number).touch()


@app.task(name="tasks.deliver")
def deliver():
    tt.Worker(outbox, client).drain_once(20)
