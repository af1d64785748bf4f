"""The losses: ignored voxels change nothing, and the vectorised form equals the loop over instances."""

from __future__ import annotations

import pytest
import torch

from neuropil.em.losses.affinity import affinity_loss
from neuropil.em.losses.discriminative import discriminative_loss
from neuropil.em.losses.semantic import cross_entropy, soft_dice


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


def test_a_batch_without_instances_costs_nothing_and_has_a_gradient() -> None:
    field = torch.randn(1, 4, 2, 3, 3, requires_grad=True)
    loss = discriminative_loss(
        field, torch.zeros(1, 2, 3, 3, dtype=torch.int64), torch.ones(1, 2, 3, 3), delta_v=0.5, delta_d=1.5
    )
    (loss.pull + loss.push + loss.norm).backward()
    assert field.grad is not None and (field.grad == 0).all()
