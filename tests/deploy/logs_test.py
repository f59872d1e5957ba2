"""One request id from the client's call through the server's log to the trainer's: log_format=json.

    logs_test.py FOLDER_OF_PROGRAMS"""
import json
import sys
import unittest

from processes import MaeServer, eventually


def lines(path):
    """Each line is an object, but the last, which may not be whole yet."""
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


class Logs(unittest.TestCase):
    def test_a_request_is_found_by_its_id_in_every_log(self):
        with MaeServer(PROGRAMS, "log_format=json", "log_level=debug") as server:
            job = server.pretrain(1)
            server.await_state(job, "SUCCEEDED")
            log = lines(server.program.err)
            start = next(line for line in log if f"jobs/{job} starts" in line["message"])
            self.assertEqual(start["job"], f"jobs/{job}")
            request = start["request_id"]
            self.assertRegex(request, r"^[0-9a-f-]{36}$")
            ended = eventually("the end's line", lambda: [line for line in lines(server.program.err) if f"trainer of jobs/{job} ended" in line["message"]])
            self.assertEqual([(line["job"], line["request_id"]) for line in ended], [(f"jobs/{job}", request)])
            calls = [line for line in log if line.get("request_id") == request and "grpc_method" in line]
            self.assertEqual([(call["grpc_method"], call["grpc_code"]) for call in calls], [("CreateJob", "OK")])
            other = {line.get("request_id") for line in log if line.get("grpc_method") == "GetJob"}
            self.assertNotIn(request, other, "each run of the client has an id of its own")
            trainer = lines(server.folder / "data/jobs" / job / "trainer.log")
            self.assertEqual({line["request_id"] for line in trainer}, {request})
            self.assertEqual({line["job"] for line in trainer}, {f"jobs/{job}"})
            self.assertTrue(any("epoch 1/1" in line["message"] for line in trainer))

    def test_an_error_of_the_caller_is_no_warning(self):
        with MaeServer(PROGRAMS, "log_format=json", "log_level=debug") as server:
            server.client("get-job", "jobs/none", expect=3)
            refused = lambda: [line for line in lines(server.program.err) if line.get("grpc_code") == "NOT_FOUND"]
            self.assertEqual(eventually("the call's line", refused)[0]["level"], "debug")


if __name__ == "__main__":
    PROGRAMS = sys.argv.pop(1)
    unittest.main()
