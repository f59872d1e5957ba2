"""A masked autoencoder (He et al. 2022, arXiv:2111.06377) from timm's PatchEmbed and Block, as one would write it in PyTorch."""
import functools

import torch
from timm.models.vision_transformer import Block, PatchEmbed

import models


def sincos_positions(width, side):
    """[1, 1 + side * side, width]: zeros for the class token, then rows by rows the sines and cosines of column and row."""
    rates = 10000.0 ** -(torch.arange(width // 4, dtype=torch.float64) / (width / 4))
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    parts = [wave(place.reshape(-1, 1) * rates) for place in (column, row) for wave in (torch.sin, torch.cos)]
    return torch.cat([torch.zeros(1, width), torch.cat(parts, 1).float()]).unsqueeze(0)


def gather(tokens, ids):
    return torch.gather(tokens, 1, ids.unsqueeze(-1).expand(-1, -1, tokens.shape[2]))


class MaskedAutoencoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        (width, blocks, heads), (narrow, narrow_blocks, narrow_heads) = model.encoder, model.decoder
        side = models.IMAGE // models.PATCH
        norm = functools.partial(torch.nn.LayerNorm, eps=1e-6)
        block = functools.partial(Block, mlp_ratio=4.0, qkv_bias=True, norm_layer=norm)
        self.norm_pix_loss = model.norm_pix_loss
        self.patch_embed = PatchEmbed(models.IMAGE, models.PATCH, models.CHANNELS, width)
        self.cls_token = torch.nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.mask_token = torch.nn.Parameter(torch.randn(1, 1, narrow) * 0.02)
        self.register_buffer("positions", sincos_positions(width, side))
        self.register_buffer("decoder_positions", sincos_positions(narrow, side))
        self.blocks = torch.nn.ModuleList([block(width, heads) for _ in range(blocks)])
        self.norm = norm(width)
        self.decoder_embed = torch.nn.Linear(width, narrow)
        self.decoder_blocks = torch.nn.ModuleList([block(narrow, narrow_heads) for _ in range(narrow_blocks)])
        self.decoder_norm = norm(narrow)
        self.decoder_pred = torch.nn.Linear(narrow, models.PATCH_VALUES)
        for module in self.modules():
            if isinstance(module, torch.nn.Linear):
                torch.nn.init.xavier_uniform_(module.weight)
                torch.nn.init.zeros_(module.bias)

    def patches(self, images):
        batch, side, patch = images.shape[0], models.IMAGE // models.PATCH, models.PATCH
        grid = images.reshape(batch, models.CHANNELS, side, patch, side, patch)
        return grid.permute(0, 2, 4, 3, 5, 1).reshape(batch, side * side, models.PATCH_VALUES)

    def encode(self, images, keep):
        visible = gather(self.patch_embed(images) + self.positions[:, 1:], keep)
        cls = (self.cls_token + self.positions[:, :1]).expand(images.shape[0], -1, -1)
        x = torch.cat([cls.to(visible.dtype), visible], 1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def decode(self, latent, restore):
        x = self.decoder_embed(latent)
        hidden = self.mask_token.to(x.dtype).expand(x.shape[0], restore.shape[1] + 1 - x.shape[1], -1)
        patches = gather(torch.cat([x[:, 1:], hidden], 1), restore)
        x = torch.cat([x[:, :1], patches], 1) + self.decoder_positions
        for block in self.decoder_blocks:
            x = block(x)
        return self.decoder_pred(self.decoder_norm(x))[:, 1:]

    def forward(self, images):
        """The mean squared error over hidden patches, drawn anew each time."""
        shuffle = torch.argsort(torch.rand(images.shape[0], models.PATCHES, device=images.device), dim=1)
        restore = torch.argsort(shuffle, dim=1)
        mask = (restore >= models.VISIBLE).float()
        predicted = self.decode(self.encode(images, shuffle[:, :models.VISIBLE]), restore)
        target = self.patches(images)
        if self.norm_pix_loss:
            target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
        error = (predicted.float() - target).square().mean(-1)
        return (error * mask).sum() / mask.sum()
