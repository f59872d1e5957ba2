#!/usr/bin/env python3
"""Watches a training job to its end: watch_job.py HOST:PORT JOB

JOB is jobs/NAME or NAME.

Exit: 0 the job succeeded, 1 it did not. A server that goes away and comes back is no end: the stream goes on behind the
last event that was seen, so that none is missing and none comes twice."""
import sys
import time

import grpc
from mae.v1 import job_pb2, job_pb2_grpc

if len(sys.argv) != 3:
    sys.exit(__doc__)
address, job = sys.argv[1:]
if not job.startswith("jobs/"):
    job = "jobs/" + job
ENDED = (job_pb2.Job.SUCCEEDED, job_pb2.Job.STOPPED, job_pb2.Job.FAILED)


def show(event):
    kind = event.WhichOneof("event")
    if kind == "state":
        print(job_pb2.Job.State.Name(event.state.state), event.state.published_version, event.state.error.message)
    elif kind == "metrics":
        values = "  ".join(f"{name} {value:.4g}" for name, value in sorted(event.metrics.values.items()))
        print(f"step {event.metrics.step}/{event.metrics.total_steps}  {values}")
    elif kind == "log":
        print(f"{event.log.severity}: {event.log.text}")


seen, state = 0, None
with grpc.insecure_channel(address) as channel:
    stub = job_pb2_grpc.JobServiceStub(channel)
    while state not in ENDED:
        try:
            for event in stub.WatchJob(job_pb2.WatchJobRequest(name=job, after_sequence=seen)):
                seen = event.sequence
                if event.WhichOneof("event") == "state":
                    state = event.state.state
                show(event)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                sys.exit(f"{error.code().name}: {error.details()}")
            time.sleep(1)
sys.exit(0 if state == job_pb2.Job.SUCCEEDED else 1)
