#!/usr/bin/env bash
# Jobs that mae_server hands to a real Slurm: watched to the end, stopped, with a node drained, with a node lost, and with the process
# that follows them killed. Argument: the folder of the built programs.
set -euo pipefail
bin=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
for program in slurmctld slurmd munged sbatch; do
  command -v "$program" > /dev/null || { echo "no $program; tools/setup --dev installs it"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "slurmd needs root"; exit 77; }

scratch=$(mktemp -d)
server_pid=
finish() {
  [ -z "$server_pid" ] || { kill "$server_pid"; wait "$server_pid"; } 2> /dev/null || true
  scancel --me 2> /dev/null || true
  stop_cluster
  rm -rf "$scratch"
}
trap finish EXIT
fail() {
  echo "FAILED: $*" >&2
  tail -n 30 "$scratch"/data/jobs/*/trainer.log "$scratch/server.log" "$scratch"/slurm/*.log >&2 || true
  exit 1
}

until_true() {  # WHAT COMMAND…: polls for three minutes
  local what=$1 deadline=$((SECONDS + 180))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || fail "not within three minutes: $what"
    sleep 0.2
  done
}
. "$here/cluster.sh"
start_cluster

"$bin/mae_server" --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --data-dir "$scratch/data" \
  --set jobs.on_shutdown=stop --set jobs.slots=4 > "$scratch/server.stdout" 2> "$scratch/server.log" &
server_pid=$!
is_listening() { grep -q '^listening on ' "$scratch/server.stdout"; }
until_true "the server listens" is_listening
MAE_SERVER=$(sed -n 's/^listening on //p' "$scratch/server.stdout")
export MAE_SERVER

start() {  # EPOCHS PROCESSES [further arguments]: prints the job's name
  local epochs=$1 processes=$2
  shift 2
  "$bin/mae_client" start-pretrain --launcher slurm --dataset fashion-mnist --set pretrain.model.preset=nano --set schedule.epochs="$epochs" \
    --set data.train_images=256 --set data.validation_images=64 --set data.batch_size=64 --set checkpoint.every_steps=1 --set logging.every_steps=1 \
    --set "resources={processes: $processes, threads: $processes, rank_timeout_seconds: 30}" "$@"
}
state_is() { [ "$("$bin/mae_client" get-job "$1" -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)["state"])')" = "$2" ]; }
has_trained() { [ "$("$bin/mae_client" metrics "$1" --metric loss -o csv 2> /dev/null | wc -l)" -gt 3 ]; }
log_of() { echo "$scratch/data/$1/trainer.log"; }
slurm_id_of() { grep -o 'submitted as Slurm job [0-9]*' "$(log_of "$1")" | tail -n 1 | grep -o '[0-9]*$'; }
slurm_shows() { scontrol show job -o "$(slurm_id_of "$1")" | grep -qE "$2"; }
queue_is_empty() { [ -z "$(squeue --noheader)" ]; }

echo "== two processes on two nodes, watched to the end"
job=$(start 2 2 --model slurm-mae --watch 2> "$scratch/watch") || fail "the job: $(cat "$scratch/watch")"
state_is "$job" SUCCEEDED || fail "$job has not succeeded"
slurm_shows "$job" 'JobState=COMPLETED.* NodeList=n\[1-2\]' || fail "not on both nodes: $(scontrol show job -o "$(slurm_id_of "$job")")"
grep -q 'by 2 processes' "$(log_of "$job")" || fail "not by two processes"
"$bin/mae_client" get-model slurm-mae > /dev/null || fail "no model was published"

echo "== stopped"
job=$(start 5000 2)
until_true "it trains" has_trained "$job"
"$bin/mae_client" stop-job "$job" > /dev/null
until_true "it is stopped" state_is "$job" STOPPED
grep -q 'a resume goes on from step' "$(log_of "$job")" || fail "it was stopped without a checkpoint"
until_true "Slurm has let go of it" queue_is_empty

echo "== a node is drained: one process finds room, two wait, and are stopped while they do"
scontrol update nodename=n1 state=drain reason=test
job=$(start 1 1 --watch 2> "$scratch/watch") || fail "the job: $(cat "$scratch/watch")"
slurm_shows "$job" 'NodeList=n2 ' || fail "not on the node that is left"
job=$(start 1 2)
waits() { grep -qs 'PENDING' "$(log_of "$job")"; }
until_true "it waits for a node" waits
"$bin/mae_client" stop-job "$job" > /dev/null
until_true "it is stopped" state_is "$job" STOPPED
scontrol update nodename=n1 state=resume
until_true "both nodes are idle" nodes_are_idle

echo "== a node is lost: the job begins again from its last checkpoint"
job=$(start 20 2)
until_true "it trains" has_trained "$job"
scontrol update nodename=n2 state=down reason=test
begun_again() { grep -q 'restart 1 of 3' "$(log_of "$job")"; }
until_true "it begins again" begun_again
scontrol update nodename=n2 state=resume 2> /dev/null || true  # it may have come back by itself
until_true "it has succeeded" state_is "$job" SUCCEEDED

echo "== the process that follows it is killed: Slurm's job ends too"
job=$(start 5000 1)
until_true "it trains" has_trained "$job"
pkill -KILL --oldest -f "mae_trainer --job-dir $scratch/data/$job"
until_true "Slurm has let go of it" queue_is_empty
until_true "it has failed" state_is "$job" FAILED

echo "PASSED"
