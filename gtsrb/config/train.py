"""The schema of `train`, one section per recipe; params.yaml gives units and ranges."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from gtsrb.config.augmentation import Augmentation
from gtsrb.config.base import Count, Rate, Section, Seed


class RandomSplit(Section):
    """A random fraction of the images validates; frames of one sign are in both splits."""

    split: Literal["random"]
    fraction: Annotated[float, Field(gt=0, le=0.5)]
    seed: Seed


class TrackFold(Section):
    """One of `folds` disjoint folds validates; all images of a sign are in one fold, which `seed` decides."""

    split: Literal["tracks"]
    folds: Annotated[int, Field(ge=2, le=100)]
    fold: Annotated[int, Field(ge=0)]
    seed: Seed

    @model_validator(mode="after")
    def check_fold_exists(self) -> Self:
        if self.fold >= self.folds:
            raise ValueError(f"fold = {self.fold}: expected 0 to {self.folds - 1}, since folds = {self.folds}")
        return self


class AllPhotographs(Section):
    """Every photograph validates: only for a recipe that trains on synthetic images alone."""

    split: Literal["all"]


Validation = RandomSplit | TrackFold | AllPhotographs


class SyntheticShare(Section):
    """A set of synthetic images, and which part of an epoch's images is drawn from it; the others are photographs."""

    set: str  # a section of `render`, or none
    share: Annotated[float, Field(ge=0, le=1)]

    @model_validator(mode="after")
    def check_share_needs_a_set(self) -> Self:
        if (self.set == "none") != (self.share == 0):
            raise ValueError(f"set = {self.set}, share = {self.share}: expected set: none with share: 0.0, and only then")
        return self


class SpatialTransformer(Section):
    filters: Annotated[list[Count], Field(min_length=1)]
    dense_units: Count
    stride: Annotated[int, Field(ge=1, le=8)]


class Network(Section):
    """The keys that all network families share."""

    standardize: Literal["none", "image", "channels", "data_set"]
    spatial_transformer: SpatialTransformer | None = None
    filters: Annotated[list[Count], Field(min_length=1)]
    kernel_size: Annotated[int, Field(ge=1, le=15)]
    block_dropout: Rate
    batch_normalization: bool
    head: Literal["flatten", "global_average_pooling"]
    dense_units: list[Count]
    dense_dropout: Rate
    activation: Literal["relu", "elu", "gelu", "selu", "silu", "tanh"]
    kernel_initializer: Literal[
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal", "orthogonal", "dirac"
    ]

    def final_side(self, size: int) -> int:
        """Side in pixels of the last feature map for a `size` x `size` image; the network can be built if it is at least 1."""
        raise NotImplementedError


class PlainNetwork(Network):
    """The tutorial's network: blocks of convolutions, each block with one max-pooling, and followed by dropout."""

    family: Literal["plain"]
    padding: Annotated[list[Literal["same", "valid"]], Field(min_length=1)]
    pool_size: Annotated[int, Field(ge=1, le=8)]
    pool_after: Count

    def final_side(self, size: int) -> int:
        for _ in self.filters:
            for c, padding in enumerate(self.padding, 1):
                size -= (self.kernel_size - 1) * (padding == "valid")
                if c == self.pool_after:
                    size //= self.pool_size
        return size

    @model_validator(mode="after")
    def check_pooling_is_in_the_block(self) -> Self:
        if self.pool_after > len(self.padding):
            raise ValueError(
                f"pool_after = {self.pool_after}: expected 1 to {len(self.padding)}, the number of convolutions in a block "
                "(the length of padding)"
            )
        return self


class ResidualNetwork(Network):
    """Stages of residual blocks (He 2016); every stage but the first starts with stride 2."""

    family: Literal["residual"]
    stem_stride: Annotated[int, Field(ge=1, le=4)]
    blocks: Annotated[list[Count], Field(min_length=1)]

    def final_side(self, size: int) -> int:
        for stride in (self.stem_stride, *[2] * (len(self.filters) - 1)):
            size = -(-size // stride)
        return size

    @model_validator(mode="after")
    def check_one_block_count_per_stage(self) -> Self:
        if len(self.blocks) != len(self.filters):
            raise ValueError(f"filters = {self.filters}, blocks = {self.blocks}; expected one entry per stage in each")
        return self


class Optimizer(Section):
    name: Literal["sgd", "rmsprop", "adam", "adamw", "nadam", "lion", "muon"]
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    momentum: Rate
    nesterov: bool
    weight_decay: Annotated[float, Field(ge=0, le=10)]
    gradient_clip: Annotated[float, Field(gt=0)] | None = None
    ema_momentum: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def check_optimizer_has_nesterov(self) -> Self:
        if self.nesterov and self.name not in ("sgd", "muon"):
            raise ValueError(f"nesterov = True: {self.name} does not have it; set it to false, or use sgd or muon")
        return self


class Step(Section):
    name: Literal["step"]
    every: Count
    factor: Annotated[float, Field(gt=0, le=1)]
    decay: Annotated[float, Field(ge=0, le=1)]


class Cosine(Section):
    name: Literal["cosine"]
    warmup: Rate
    final: Annotated[float, Field(ge=0, le=1)]


class OneCycle(Section):
    name: Literal["one_cycle"]
    initial: Annotated[float, Field(ge=0, le=1)]
    warmup: Rate
    final: Annotated[float, Field(ge=0, le=1)]


class ReduceOnPlateau(Section):
    name: Literal["reduce_on_plateau"]
    factor: Annotated[float, Field(gt=0, lt=1)]
    patience: Annotated[int, Field(ge=0)]
    min_delta: Annotated[float, Field(ge=0)]


Schedule = Step | Cosine | OneCycle | ReduceOnPlateau


class Shuffle(Section):
    """Images are shuffled within `blocks` random blocks of `block_images` consecutive ones, which a disk can follow."""

    block_images: Count
    blocks: Count


class Recipe(Section):
    """Everything that decides a training run."""

    images: str
    synthetic: SyntheticShare
    seed: Seed
    members: Annotated[int, Field(ge=1, le=100)]
    deterministic: bool
    device: Literal["auto", "gpu", "cpu"]
    threads: Count
    replicas: Annotated[int, Field(ge=2, le=1024)] | None = None  # GPUs that share each batch; one without it
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    epochs: Count
    batch_size: Count
    sampling: Literal["natural", "class_balanced"]
    shuffle: Shuffle | None = None
    validation: Annotated[Validation, Field(discriminator="split")] | None = None
    network: Annotated[PlainNetwork | ResidualNetwork, Field(discriminator="family")]
    loss: Literal["categorical_crossentropy"]
    label_smoothing: Rate
    optimizer: Optimizer
    schedule: Annotated[Schedule, Field(discriminator="name")] | None = None
    augmentation: Augmentation | None = None

    @property
    def seeds(self) -> list[int]:
        """One seed per ensemble member, independent for every (seed, member): ensembles of seeds 0 and 1 share none."""
        sequences = (np.random.SeedSequence(self.seed, spawn_key=(member,)) for member in range(self.members))
        return [int(sequence.generate_state(1)[0]) for sequence in sequences]

    @model_validator(mode="after")
    def check_shuffled_blocks_are_natural(self) -> Self:
        if self.shuffle and self.sampling != "natural":
            raise ValueError(
                f"sampling = {self.sampling} draws from all images, and shuffle from some; use only one of the two"
            )
        if self.shuffle and self.synthetic.share:
            raise ValueError(
                f"synthetic.share = {self.synthetic.share} draws from all images, shuffle from some; use only one of the two"
            )
        return self

    @model_validator(mode="after")
    def check_photographs_train_or_validate(self) -> Self:
        if isinstance(self.validation, AllPhotographs) and self.synthetic.share < 1:
            raise ValueError(
                f"validation: split: all leaves no photograph to train on, and synthetic.share = {self.synthetic.share}; "
                "set it to 1.0, or use another split"
            )
        return self

    @model_validator(mode="after")
    def check_plateau_has_validation(self) -> Self:
        if isinstance(self.schedule, ReduceOnPlateau) and not self.validation:
            raise ValueError("schedule: reduce_on_plateau needs val_loss, and validation is missing; add that block")
        return self

    @model_validator(mode="after")
    def check_ema_without_batch_normalization(self) -> Self:
        if self.optimizer.ema_momentum and self.network.batch_normalization:
            raise ValueError(
                f"optimizer.ema_momentum = {self.optimizer.ema_momentum}: network.batch_normalization has statistics "
                "of the raw weights, not of their moving average; use only one of the two"
            )
        return self
