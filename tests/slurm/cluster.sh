# Sourced by slurm_test.sh: a Slurm cluster of two nodes, n1 and n2, of one core each, all on this machine, under $scratch/slurm.
# Its daemons end with stop_cluster. Needs root, as slurmd does.
cluster=$scratch/slurm

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_cluster() {
  mkdir -p "$cluster/state" "$cluster/munge"
  head -c 1024 /dev/urandom > "$cluster/munge/key"
  chmod 700 "$cluster/munge"
  chmod 400 "$cluster/munge/key"
  munged --force --key-file="$cluster/munge/key" --socket="$cluster/munge/socket" --pid-file="$cluster/munge/pid" \
    --log-file="$cluster/munge/log" --seed-file="$cluster/munge/seed" 2> "$cluster/munge/warnings"
  cat > "$cluster/slurm.conf" <<EOF
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$cluster/munge/socket
CredType=cred/munge
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool-%n
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd-%n.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=5
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$(free_port) CPUs=1
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$(free_port) CPUs=1
PartitionName=main Nodes=ALL Default=YES State=UP
EOF
  export SLURM_CONF=$cluster/slurm.conf
  slurmctld
  slurmd -N n1
  slurmd -N n2
  until_true "both nodes are idle" nodes_are_idle
}

nodes_are_idle() { [ "$(sinfo --noheader --Node --format=%T | sort -u)" = idle ]; }

stop_cluster() {
  local file pid
  for file in "$cluster"/*.pid "$cluster/munge/pid"; do
    pid=$(cat "$file" 2> /dev/null) || continue
    kill "$pid" 2> /dev/null || true
    tail --pid="$pid" -f /dev/null  # until it has ended
  done
}
