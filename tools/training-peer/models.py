"""The models that tools/bench-training trains, 32 x 32 x 3 in patches of 4 with 75 % hidden, and what a step of them computes."""
import dataclasses

IMAGE, PATCH, CHANNELS, MASK_RATIO = 32, 4, 3, 0.75
PATCHES = (IMAGE // PATCH) ** 2
VISIBLE = int(PATCHES * (1 - MASK_RATIO))
PATCH_VALUES = PATCH * PATCH * CHANNELS


@dataclasses.dataclass(frozen=True)
class Model:
    """Widths and depths are those of the preset of this name (lib/options/model_presets.cc)."""
    name: str
    encoder: tuple  # width, blocks, heads
    decoder: tuple
    batch: int
    norm_pix_loss: bool = True
    learning_rate: float = 1.5e-4
    weight_decay: float = 0.05
    decays_all: bool = False  # else only parameters of two dimensions and more
    mean: tuple = (0.4914, 0.4822, 0.4465)
    std: tuple = (0.2470, 0.2435, 0.2616)


# base is the recipe tutorial-pretrain at a smaller batch; nano is for tests.
MODELS = {model.name: model for model in (
    Model("nano", (128, 6, 4), (64, 2, 4), 64),
    Model("tiny", (192, 12, 3), (128, 4, 4), 128),
    Model("small", (384, 12, 6), (256, 4, 8), 64),
    Model("base", (768, 12, 12), (512, 8, 16), 32, norm_pix_loss=False, learning_rate=5e-5, weight_decay=1e-4,
          decays_all=True, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
)}


def block_products(width, tokens, asked=None):
    """Multiplications of a block with an MLP of four widths whose output is wanted for `asked` of the tokens (default: all)."""
    asked = tokens if asked is None else asked
    keys_and_values = 2 * tokens * width * width
    return keys_and_values + asked * width * width * (1 + 1 + 8) + 2 * asked * tokens * width


def step_gflop(model, images=None):
    """GFLOP of a training step, counting matrix products only, and of them only what the loss and its gradients need: visible
    patches in the encoder; in the decoder's last block and prediction the hidden ones. Backward is twice forward, but for the
    patch embedding, whose input needs no gradient."""
    (width, blocks, _), (narrow, narrow_blocks, _) = model.encoder, model.decoder
    tokens, hidden = VISIBLE + 1, PATCHES - VISIBLE
    embedding = VISIBLE * PATCH_VALUES * width
    rest = blocks * block_products(width, tokens) + tokens * width * narrow
    rest += (narrow_blocks - 1) * block_products(narrow, PATCHES + 1) + block_products(narrow, PATCHES + 1, hidden)
    rest += hidden * narrow * PATCH_VALUES
    return 2e-9 * (images or model.batch) * (2 * embedding + 3 * rest)
