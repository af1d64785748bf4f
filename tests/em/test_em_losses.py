"""The losses: ignored voxels change nothing, and the vectorised form equals the loop over instances."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from neuropil.em.labels import OTHER
from neuropil.em.losses.affinity import affinity_loss
from neuropil.em.losses.discriminative import discriminative_loss
from neuropil.em.losses.nearness import near_pairs
from neuropil.em.losses.semantic import cross_entropy, soft_dice
from neuropil.em.module import EmModule
from neuropil.em.parameters import EmLossParameters, EmOptimizerParameters


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 0.5, 3.0])])
def test_ignored_voxels_change_neither_value_nor_gradient(weights: torch.Tensor | None) -> None:
    logits = torch.randn(2, 4, 3, 5, 5)
    classes = torch.randint(0, 4, (2, 3, 5, 5))
    classes[:, :, 2] = -100
    other = logits.clone()
    other[:, :, :, 2] = 50 * torch.randn(2, 4, 3, 5)
    results = []
    for values in (logits, other):
        values = values.clone().requires_grad_()
        loss = cross_entropy(values, classes, ignore_index=-100, class_weights=weights)
        loss = loss + soft_dice(values, classes, ignore_index=-100)
        loss.backward()
        results.append((loss.detach(), values.grad))
    torch.testing.assert_close(results[0][0], results[1][0])
    known = (classes != -100).unsqueeze(1).expand_as(logits)
    torch.testing.assert_close(results[0][1][known], results[1][1][known])
    assert (results[1][1][~known] == 0).all()


def test_cross_entropy_equals_torchs_where_all_is_known() -> None:
    logits, classes, weights = torch.randn(2, 4, 6, 6), torch.randint(0, 4, (2, 6, 6)), torch.rand(4)
    expected = torch.nn.functional.cross_entropy(logits, classes, weight=weights)
    torch.testing.assert_close(cross_entropy(logits, classes, ignore_index=-1, class_weights=weights), expected)


def test_a_batch_of_unknown_voxels_costs_nothing() -> None:
    logits, classes = torch.randn(1, 4, 2, 3, 3), torch.full((1, 2, 3, 3), -100)
    assert cross_entropy(logits, classes, ignore_index=-100) == 0
    assert soft_dice(logits, classes, ignore_index=-100) == 0


def test_dice_of_a_certain_and_right_prediction_is_0() -> None:
    classes = torch.randint(0, 3, (1, 4, 8, 8))
    logits = 100 * torch.nn.functional.one_hot(classes, 5).movedim(-1, 1).float()
    assert soft_dice(logits, classes, ignore_index=-100) < 1e-4


def test_unknown_pairs_change_nothing_in_the_affinity_loss() -> None:
    logits = torch.randn(1, 3, 4, 4, 4)
    truth, known = torch.randint(0, 2, logits.shape), torch.randint(0, 2, logits.shape)
    other = torch.where(known > 0, logits, torch.full_like(logits, 9.0))
    torch.testing.assert_close(affinity_loss(logits, truth, known), affinity_loss(other, truth, known))
    assert affinity_loss(100.0 * (2 * truth - 1), truth, known) < 1e-4


def _loop(
    field: torch.Tensor, ids: torch.Tensor, weights: torch.Tensor, delta_v: float, delta_d: float
) -> list[torch.Tensor]:
    pulls, pushes, norms = [], [], []
    for sample in range(len(field)):
        present = [int(value) for value in ids[sample].unique() if value > 0]
        means = [field[sample][:, ids[sample] == value].mean(1) for value in present]
        pull = [
            (weights[sample][ids[sample] == value]
             * torch.relu((field[sample][:, ids[sample] == value] - mean[:, None]).norm(dim=0) - delta_v) ** 2).mean()
            for value, mean in zip(present, means, strict=True)
        ]  # fmt: skip
        push = [torch.relu(2 * delta_d - (a - b).norm()) ** 2 for i, a in enumerate(means) for b in means[i + 1 :]]
        pulls.append(torch.stack(pull).mean())
        pushes.append(torch.stack(push).mean() if push else torch.zeros(()))
        norms.append(torch.stack([mean.norm() for mean in means]).mean())
    return [torch.stack(values).mean() for values in (pulls, pushes, norms)]


def test_the_vectorised_discriminative_loss_equals_the_loop_and_so_does_its_gradient() -> None:
    field = torch.randn(2, 6, 3, 8, 8)
    ids = torch.randint(0, 7, (2, 3, 8, 8))
    ids[1] = (ids[1] > 3).long() * 12  # one instance, with a gap in the numbering
    weights = torch.rand(2, 3, 8, 8) * 10
    results = []
    for way in ("loop", "vector"):
        values = field.clone().requires_grad_()
        if way == "loop":
            terms = _loop(values, ids, weights, 0.5, 1.5)
        else:
            loss = discriminative_loss(values, ids, weights, delta_v=0.5, delta_d=1.5)
            terms = [loss.pull, loss.push, loss.norm]
        (terms[0] + 2 * terms[1] + 3 * terms[2]).backward()
        results.append((torch.stack([term.detach() for term in terms]), values.grad))
    torch.testing.assert_close(results[0][0], results[1][0])
    torch.testing.assert_close(results[0][1], results[1][1], atol=1e-6, rtol=1e-4)


def test_ids_of_64_bits_and_with_gaps_cost_what_small_ones_do() -> None:
    field, weights = torch.randn(1, 4, 3, 8, 8), torch.rand(1, 3, 8, 8)
    ids = torch.randint(0, 5, (1, 3, 8, 8))
    small = discriminative_loss(field, ids, weights, delta_v=0.5, delta_d=1.5)
    for high in (ids * 37, torch.where(ids > 0, ids + 2**60, 0), torch.where(ids > 0, ids, -5)):
        found = discriminative_loss(field, high, weights, delta_v=0.5, delta_d=1.5)
        for name in ("pull", "push", "norm"):
            torch.testing.assert_close(getattr(found, name), getattr(small, name))


def test_a_batch_without_instances_costs_nothing_and_has_a_gradient() -> None:
    field = torch.randn(1, 4, 2, 3, 3, requires_grad=True)
    loss = discriminative_loss(
        field, torch.zeros(1, 2, 3, 3, dtype=torch.int64), torch.ones(1, 2, 3, 3), delta_v=0.5, delta_d=1.5
    )
    (loss.pull + loss.push + loss.norm).backward()
    assert field.grad is not None and (field.grad == 0).all()


def _classed(samples: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Embeddings, ids, class of each voxel's instance, weights; ids 1-4 are of class 1, 5 and 6 of class 3."""
    field = torch.randn(samples, 4, 3, 8, 8)
    ids = torch.randint(0, 7, (samples, 3, 8, 8))
    classes = torch.where(ids > 4, 3, 1) * (ids > 0)
    return field, ids, classes, torch.rand(samples, 3, 8, 8) * 10


def test_instances_of_two_classes_cost_what_each_class_costs_alone() -> None:
    field, ids, classes, weights = _classed()
    options = {"delta_v": 0.5, "delta_d": 1.5}
    found = discriminative_loss(field, ids, weights, class_ids=classes, **options)
    alone = [discriminative_loss(field, ids * (classes == value), weights, **options) for value in (1, 3)]
    for name in ("pull", "push", "norm"):
        expected = torch.stack([getattr(loss, name) for loss in alone]).mean()
        torch.testing.assert_close(getattr(found, name), expected)


def test_a_neuron_and_a_mitochondrion_do_not_push_each_other_but_two_neurons_do() -> None:
    field = torch.zeros(1, 2, 1, 1, 4)
    ids = torch.tensor([[[[1, 1, 2, 2]]]])
    options = {"delta_v": 0.5, "delta_d": 1.5}
    weights = torch.ones(1, 1, 1, 4)
    one = discriminative_loss(field, ids, weights, class_ids=torch.ones_like(ids), **options)
    two = discriminative_loss(field, ids, weights, class_ids=torch.tensor([[[[1, 1, 3, 3]]]]), **options)
    assert one.push == pytest.approx(9.0, rel=1e-4) and two.push == 0


def test_one_class_for_all_is_the_same_as_no_class() -> None:
    field, ids, _, weights = _classed()
    options = {"delta_v": 0.5, "delta_d": 1.5}
    plain = discriminative_loss(field, ids, weights, **options)
    classed = discriminative_loss(field, ids, weights, class_ids=(ids > 0).long(), **options)
    for name in ("pull", "push", "norm"):
        torch.testing.assert_close(getattr(plain, name), getattr(classed, name))


def _smallest_gaps(ids: torch.Tensor, resolution_nm: tuple[float, ...]) -> torch.Tensor:
    """For each pair of instances the largest distance along an axis of the two voxels for which it is least."""
    places = [(ids == value).nonzero().float() * torch.tensor(resolution_nm) for value in range(1, int(ids.max()) + 1)]
    return torch.stack([torch.stack([(a[:, None] - b[None]).abs().amax(-1).min() for b in places]) for a in places])


@pytest.mark.parametrize("radius", [8.0, 20.0, 45.0, 120.0])
def test_no_near_pair_is_missed_and_none_is_much_farther_than_the_radius(radius: float) -> None:
    ids = torch.zeros(4, 40, 40, dtype=torch.int64)
    for value in range(1, 13):
        z, y, x = (int(torch.randint(0, size, ())) for size in (3, 36, 36))
        ids[z : z + 2, y : y + 4, x : x + 4] = value
    _, ids = ids.unique(return_inverse=True)
    resolution = (30.0, 8.0, 8.0)
    near = near_pairs(ids, int(ids.max()), radius, resolution)
    gaps = _smallest_gaps(ids, resolution)
    assert near[gaps <= radius].all()
    cell = torch.tensor([max(step, radius / 2, step * 2) for step in resolution]).max()
    assert not near[gaps > radius + 2 * cell].any()
    assert torch.equal(near, near.T)


def test_far_instances_are_not_pushed_within_a_radius() -> None:
    ids = torch.zeros(1, 1, 4, 64, dtype=torch.int64)
    ids[..., :4], ids[..., 6:10], ids[..., 60:] = 1, 2, 3
    field = torch.zeros(1, 2, 1, 4, 64)
    field[:, 0, ..., 6:10], field[:, 1, ..., 60:] = 1.0, 2.0
    options = {"delta_v": 0.5, "delta_d": 1.5, "resolution_nm": (30.0, 10.0, 10.0)}
    near = discriminative_loss(field, ids, torch.ones(ids.shape), push_radius_nm=40.0, **options)
    assert near.push == pytest.approx((3 - 1) ** 2, rel=1e-4)  # 1 and 2 only
    every = discriminative_loss(field, ids, torch.ones(ids.shape), push_radius_nm=1e4, **options)
    none = discriminative_loss(field, ids, torch.ones(ids.shape), **options)
    torch.testing.assert_close(every.push, none.push)


NEURONS, MITOCHONDRIA = [True, True, False, False], [False, False, False, True]


def test_other_costs_what_the_annotated_classes_were_given() -> None:
    logits = torch.randn(1, 4, 2, 5, 5)
    classes = torch.full((1, 2, 5, 5), OTHER)
    annotated = torch.tensor([MITOCHONDRIA])
    expected = -(1 - logits.softmax(1)[:, 3]).log().mean()
    torch.testing.assert_close(cross_entropy(logits, classes, ignore_index=-100, annotated=annotated), expected)


def test_other_says_nothing_of_the_classes_that_were_not_annotated() -> None:
    logits = torch.randn(1, 4, 2, 5, 5, requires_grad=True)
    classes = torch.full((1, 2, 5, 5), OTHER)
    cross_entropy(logits, classes, ignore_index=-100, annotated=torch.tensor([MITOCHONDRIA])).backward()
    assert logits.grad is not None
    among = logits.detach()[:, :3].softmax(1)
    torch.testing.assert_close(logits.grad[:, :3] / logits.grad[:, :3].sum(1, keepdim=True), among)
    assert (logits.grad[:, 3] > 0).all() and (logits.grad[:, :3] < 0).all()


def test_with_all_classes_annotated_the_marginal_losses_are_the_plain_ones() -> None:
    logits, classes = torch.randn(2, 4, 2, 5, 5), torch.randint(0, 4, (2, 2, 5, 5))
    classes[0, 0] = -100
    every = torch.ones(2, 4, dtype=torch.bool)
    for weights in (None, torch.tensor([1.0, 2.0, 0.5, 3.0])):
        options = {"ignore_index": -100, "class_weights": weights}
        plain = cross_entropy(logits, classes, **options)
        torch.testing.assert_close(cross_entropy(logits, classes, annotated=every, **options), plain)
    plain = soft_dice(logits, classes, ignore_index=-100)
    torch.testing.assert_close(soft_dice(logits, classes, ignore_index=-100, annotated=every), plain)


def test_a_mixed_batch_costs_the_weighted_mean_of_its_voxels() -> None:
    logits, weights = torch.randn(2, 4, 1, 3, 3), torch.tensor([1.0, 2.0, 0.0, 4.0])
    classes = torch.randint(0, 2, (2, 1, 3, 3))
    classes[1] = OTHER
    classes[1, 0, 0] = 3
    found = cross_entropy(
        logits, classes, ignore_index=-100, class_weights=weights, annotated=torch.tensor([NEURONS, MITOCHONDRIA])
    )
    log, total, mass = logits.log_softmax(1), 0.0, 0.0
    for sample in range(2):
        for y in range(3):
            for x in range(3):
                value, p = int(classes[sample, 0, y, x]), log[sample, :, 0, y, x]
                weight = float(weights[value]) if value >= 0 else 1.5  # mean of 1 and 2; class 2 counts nothing
                total += weight * float(-p[value] if value >= 0 else -p[:3].exp().sum().log())
                mass += weight
    assert float(found) == pytest.approx(total / mass, rel=1e-5)


def test_dice_of_a_class_is_of_the_samples_that_annotate_it_and_other_is_its_negative() -> None:
    logits = torch.randn(2, 4, 2, 6, 6)
    classes = torch.randint(0, 2, (2, 2, 6, 6))
    classes[1] = OTHER
    classes[1, 0] = 3
    annotated = torch.tensor([NEURONS, MITOCHONDRIA])
    p = logits.softmax(1)
    terms = []
    for value, sample in ((0, 0), (1, 0), (3, 1)):
        truth, given = (classes[sample] == value).float(), p[sample, value]
        terms.append(1 - (2 * (truth * given).sum() + 1e-5) / (truth.sum() + given.sum() + 1e-5))
    found = soft_dice(logits, classes, ignore_index=-100, annotated=annotated)
    torch.testing.assert_close(found, torch.stack(terms).mean())


@pytest.mark.parametrize("row", [[True] * 4, [False] * 4])
def test_other_without_a_class_it_could_be_or_not_be_is_unknown_and_leaves_finite_gradients(row: list[bool]) -> None:
    logits = torch.randn(1, 4, 2, 3, 3, requires_grad=True)
    classes = torch.full((1, 2, 3, 3), OTHER)
    annotated = torch.tensor([row])
    loss = cross_entropy(logits, classes, ignore_index=-100, annotated=annotated)
    loss = loss + soft_dice(logits, classes, ignore_index=-100, annotated=annotated)
    loss.backward()
    assert loss == 0 and logits.grad is not None and (logits.grad == 0).all()
    assert cross_entropy(logits, classes, ignore_index=-100) == 0  # nobody says what was annotated


def test_confident_logits_leave_finite_losses_and_gradients() -> None:
    logits = (300 * torch.randn(1, 4, 2, 3, 3)).requires_grad_()
    classes = torch.full((1, 2, 3, 3), OTHER)
    loss = cross_entropy(logits, classes, ignore_index=-100, annotated=torch.tensor([MITOCHONDRIA]))
    loss.backward()
    assert loss.isfinite() and logits.grad is not None and logits.grad.isfinite().all()


OPTIONS = {
    "encoder_name": "residual_unet", "feature_size": 4, "num_classes": 4, "emb_dim": 2,
    "offsets": [[1, 0, 0], [0, 1, 0]], "spacing_nm": [30.0, 8.0, 8.0], "spatial_dims": 3,
}  # fmt: skip


def _batch() -> dict[str, torch.Tensor]:
    ids = torch.randint(0, 4, (2, 4, 16, 16))
    classes = torch.where(ids > 0, 1, 0)
    classes[1] = OTHER
    return {
        "ids": ids, "objects": ids + 4 * (ids == 2), "class_ids": torch.where(ids == 2, 3, 1) * (ids > 0),
        "classes": classes, "weights": torch.ones(ids.shape), "annotated": torch.tensor([NEURONS, MITOCHONDRIA]),
        "affinities": torch.ones(2, 2, 4, 16, 16), "known": torch.ones(2, 2, 4, 16, 16),
    }  # fmt: skip


def _losses(batch: dict[str, torch.Tensor], **loss: Any) -> dict[str, torch.Tensor]:
    module = EmModule(OPTIONS, EmLossParameters(**loss).model_dump(mode="json"), EmOptimizerParameters().model_dump())
    torch.manual_seed(3)
    output = {
        "semantic": torch.randn(2, 4, 4, 16, 16),
        "embedding": torch.randn(2, 2, 4, 16, 16),
        "affinity": torch.randn(2, 2, 4, 16, 16),
    }
    return module.losses(output, batch)


def test_the_module_reads_what_the_patches_say_of_classes_and_does_without() -> None:
    batch = _batch()
    whole = _losses(batch)
    assert set(whole) == {"loss", "loss_aff", "loss_sem", "loss_ce", "loss_dice", "loss_ins"}
    for keys, changed in ((("annotated",), "loss_ce"), (("objects", "class_ids"), "loss_ins")):
        bare = _losses({name: value for name, value in batch.items() if name not in keys})
        assert bare["loss"].isfinite() and bare[changed] != whole[changed]


def test_per_class_false_pushes_across_classes_and_the_radius_reaches_the_loss() -> None:
    batch = _batch()
    whole = _losses(batch)
    mixed = _losses(batch, per_class=False)
    assert mixed["loss_ins"] != whole["loss_ins"] and mixed["loss_sem"] == whole["loss_sem"]
    batch["objects"] = torch.zeros_like(batch["ids"])
    batch["objects"][:, :2, :4], batch["objects"][:, 2:, 8:] = 1, 2  # 30 nm apart along z, 40 nm along y
    batch["class_ids"] = (batch["objects"] > 0).long()
    torch.testing.assert_close(_losses(batch, push_radius_nm=90.0)["loss_ins"], _losses(batch)["loss_ins"])
    near, far = _losses(batch, push_radius_nm=8.0)["loss_ins"], _losses(batch)["loss_ins"]
    assert near < far
