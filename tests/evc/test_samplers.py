"""The samplers on data whose score is known."""

import pytest
import torch

from voxrack.errors import UsageError
from voxrack_evc.samplers import begin, euler_maruyama, maximum_likelihood, sample
from voxrack_evc.sde import Schedule

S = Schedule()
COUNT = 20_000
AVERAGE = torch.full((1, 2, COUNT), 0.7, dtype=torch.float64)
MEAN = torch.tensor([-1.0, 3.0], dtype=torch.float64)[None, :, None]  # of the data, for each of two bands


def exact(spread):
    """Score of X_t for X_0 ~ N(MEAN, spread^2)."""

    def score(x, t):
        g = S.gamma(0.0, t)
        centre = g * MEAN + (1.0 - g) * AVERAGE
        return -(x - centre) / (g**2 * spread**2 + 1.0 - g**2)

    return score


def start(generator, spread):
    """Draws of X_1 itself."""
    g = S.gamma(0.0, 1.0)
    noise = torch.randn(AVERAGE.shape, generator=generator, dtype=torch.float64)
    return g * MEAN + (1.0 - g) * AVERAGE + (g**2 * spread**2 + 1.0 - g**2) ** 0.5 * noise


@pytest.mark.parametrize("steps", [1, 2, 6, 30])
@pytest.mark.parametrize("spread", [0.0, 0.8])
def test_maximum_likelihood_recovers_the_marginals_at_any_number_of_steps(steps, spread):
    generator = torch.Generator().manual_seed(steps)
    found = sample(exact(spread), start(generator, spread), AVERAGE, steps, generator, spread=spread)
    torch.testing.assert_close(found.mean(-1), MEAN[:, :, 0], rtol=0.0, atol=0.03)
    deviations = found.std(-1)
    torch.testing.assert_close(deviations, torch.full_like(deviations, spread), rtol=0.0, atol=0.02)


@pytest.mark.parametrize("time", [0.15, 0.5, 1.0])
def test_begun_anywhere_it_ends_with_the_marginals(time):
    """The source has the data's distribution; what is made of it has it again."""
    generator = torch.Generator().manual_seed(1)
    source = MEAN + 0.8 * torch.randn(AVERAGE.shape, generator=generator, dtype=torch.float64)
    begun = begin(source, AVERAGE, generator, time=time)
    found = sample(exact(0.8), begun, AVERAGE, 3, generator, spread=0.8, time=time)
    torch.testing.assert_close(found.mean(-1), MEAN[:, :, 0], rtol=0.0, atol=0.03)
    deviations = found.std(-1)
    torch.testing.assert_close(deviations, torch.full_like(deviations, 0.8), rtol=0.0, atol=0.02)
    # what is kept of the source is what X at that time still tells of it: 1 - Var(X_0 | X_t) / Var(X_0)
    g = S.gamma(0.0, time, 2.0)
    kept = 1.0 - 1.0 / (1.0 + 0.8**2 * g / (1.0 - g))
    likeness = torch.corrcoef(torch.stack([source[0, 0], found[0, 0]]))[0, 1]
    assert float(likeness) == pytest.approx(kept, abs=0.03)


def test_euler_maruyama_needs_many_steps_for_the_same():
    def errors(steps):
        generator = torch.Generator().manual_seed(0)
        found = sample(exact(0.8), start(generator, 0.8), AVERAGE, steps, generator, method="euler_maruyama")
        return float((found.std(-1) - 0.8).abs().max())

    assert errors(6) > 0.1
    assert errors(400) < 0.05


def test_the_coefficients_vanish_with_the_step():
    """kappa and omega go to 0 and sigma to Euler and Maruyama's: the solvers agree in the limit."""
    for t in (0.3, 0.9):
        fine, plain = maximum_likelihood(S, t, 1e-5), euler_maruyama(S, t, 1e-5)
        assert abs(fine.kappa) < 1e-3
        assert abs(fine.omega) < 1e-3 * S.beta(t) * 1e-5 + 1e-6
        assert fine.sigma == pytest.approx(plain.sigma, rel=1e-2)


def test_equal_seeds_give_equal_spectra_and_the_last_step_adds_no_noise():
    def made(seed):
        generator = torch.Generator().manual_seed(seed)
        return sample(exact(0.5), begin(AVERAGE, AVERAGE, generator), AVERAGE, 4, generator)

    assert torch.equal(made(3), made(3))
    assert not torch.equal(made(3), made(4))
    assert maximum_likelihood(S, 0.25, 0.25).sigma == 0.0


def test_progress_is_told_and_nonsense_refused():
    told = []
    generator = torch.Generator().manual_seed(0)
    sample(exact(0.5), AVERAGE, AVERAGE, 4, generator, progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
    with pytest.raises(UsageError, match="steps is 0"):
        sample(exact(0.5), AVERAGE, AVERAGE, 0, generator)
    with pytest.raises(UsageError, match="time 0"):
        sample(exact(0.5), AVERAGE, AVERAGE, 4, generator, time=0.0)
    with pytest.raises(UsageError, match="maximum_likelihood, euler_maruyama"):
        sample(exact(0.5), AVERAGE, AVERAGE, 4, generator, method="heun")
