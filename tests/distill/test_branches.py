"""Laws of the branches: they change nothing when they come, they learn, and they fold away."""

import pytest

from engine.students import StudentConfig

torch = pytest.importorskip("torch", reason="torch is not installed")
from distill.branches import add_branches, folded  # noqa: E402 - after the check that torch is there
from distill.learners import build_learner  # noqa: E402 - after the check that torch is there


@pytest.mark.parametrize("experts", [1, 3])
def test_branches_come_in_silently_learn_and_fold_away(experts):
    torch.manual_seed(0)
    config = StudentConfig(4, 8, 2, experts=experts)
    network, batch = build_learner(config, torch.device("cpu")), torch.rand(2, 1, 32, 32)

    def output(net):
        return net(batch)[0] if experts > 1 else net(batch)

    with torch.no_grad():
        before = output(network)
        add_branches(network)
        torch.testing.assert_close(output(network), before)
    filters = [name for name, _ in network.named_parameters() if name.endswith(("point", "edges"))]
    estimator = 4 if experts > 1 else 0  # its two 3x3 layers
    assert len(filters) == 2 * 3 + estimator
    optimizer = torch.optim.SGD(network.parameters(), 0.5)
    (output(network) - batch).square().mean().backward()
    optimizer.step()
    assert network.get_submodule("body.0").parametrizations.weight[0].point.abs().max() > 0
    weights = folded(network, config.stored_shapes())
    plain = build_learner(config, torch.device("cpu"))
    plain.load_state_dict(weights)
    with torch.no_grad():
        torch.testing.assert_close(output(plain), output(network))
