# For tools/bench-training and tools/bench-data, which source it in the repository's root: the Python that has
# tools/training-peer/requirements.txt.
training_venv=${MAE_DEPS_DIR:-$HOME/.cache/mae-server}/training-venv-$(sha256sum tools/training-peer/requirements.txt | cut -c1-8)

# Prints it: MAE_TRAINING_PYTHON (1 if there is no such program), else that of the venv; nothing if the venv is not whole.
training_python() {
  if [ -n "${MAE_TRAINING_PYTHON:-}" ]; then
    command -v "$MAE_TRAINING_PYTHON" || { echo "$0: there is no program '$MAE_TRAINING_PYTHON' (MAE_TRAINING_PYTHON)" >&2; return 1; }
  elif [ -e "$training_venv/.complete" ]; then
    echo "$training_venv/bin/python"
  fi
}

make_training_venv() {
  rm -rf "$training_venv"
  python3 -m venv "$training_venv"
  "$training_venv/bin/pip" install -q -r tools/training-peer/requirements.txt
  touch "$training_venv/.complete"
}
