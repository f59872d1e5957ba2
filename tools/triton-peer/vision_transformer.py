"""The classifier of tools/bench-serving in plain, eager PyTorch: what a team would hand to Triton."""
import json
import pathlib

import safetensors.torch
import torch
from torch import nn
from torch.nn import functional


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens):
        batch, count, dim = tokens.shape
        query, key, value = self.qkv(tokens).view(batch, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).reshape(batch, count, dim))


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, tokens):
        return self.fc2(functional.gelu(self.fc1(tokens)))


class Block(nn.Module):
    def __init__(self, dim, heads, hidden, eps):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.mlp = Mlp(dim, hidden)

    def forward(self, tokens):
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class PatchEmbed(nn.Module):
    def __init__(self, channels, dim, patch):
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, patch, stride=patch)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """Mean-pooled. The config is that of a model folder (docs/formats/model.md), as are the parameters' names."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        encoder = config["encoder"]
        dim, patch = encoder["embed_dim"], encoder["patch_size"]
        patches = (encoder["image_height"] // patch) * (encoder["image_width"] // patch)
        eps = encoder["layer_norm_eps"]
        self.register_buffer("mean", 255 * torch.tensor(config["mean"]).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(config["std"]).view(-1, 1, 1), persistent=False)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + patches, dim))
        self.patch_embed = PatchEmbed(encoder["channels"], dim, patch)
        self.blocks = nn.Sequential(*(
            Block(dim, encoder["num_heads"], int(dim * encoder["mlp_ratio"]), eps) for _ in range(encoder["depth"])))
        self.fc_norm = nn.LayerNorm(dim, eps=eps)
        self.head = nn.Linear(dim, config["num_classes"])

    def forward(self, pixels):
        """Pixels [n, H, W, C] of 8 bits to logits [n, classes] in float32."""
        images = (pixels.permute(0, 3, 1, 2) - self.mean) / self.std
        patches = self.patch_embed(images.to(self.head.weight.dtype))
        tokens = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], 1) + self.pos_embed
        return self.head(self.fc_norm(self.blocks(tokens)[:, 1:].mean(1))).float()


def load(folder, dtype=torch.bfloat16):
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    model = VisionTransformer(config)
    model.load_state_dict(safetensors.torch.load_file(folder / "model.safetensors"))
    return model.eval().to(dtype)
