"""Reads exported fits with ArviZ, 0.x or 1.x, and does with them what is done with fits: `tests/exports.rs` runs it.

    python3 tests/exports.py FOLDER
"""

import importlib.util
import json
import sys
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import arviz as az
import numpy as np
import xarray as xr

NEW = not az.__version__.startswith("0.")
NAMES = ["schools", "pooled", "regression"]


def has(*modules):
    missing = [m for m in modules if importlib.util.find_spec(m) is None]
    if missing:
        print("without", *missing)
    return not missing


def netcdf(path):
    return az.from_netcdf(str(path))


def zarr(path):
    import zarr

    if NEW or zarr.__version__.startswith("2."):
        return az.from_zarr(str(path))
    # ArviZ 0.x reads no store with Zarr 3, and says to go this way.
    return az.InferenceData.from_datatree(xr.open_datatree(path, engine="zarr"))


def from_json(path):
    if not NEW:
        return az.from_json(str(path))
    fit = json.loads(path.read_text())
    about = {name: fit.pop(name) for name in ("attrs", "coords", "dims")}
    fit = {group: {name: np.array(x) for name, x in arrays.items()} for group, arrays in fit.items()}
    return az.from_dict(fit, coords=about["coords"], dims=about["dims"], attrs={"/": about["attrs"]})


FORMS = [(".json", from_json)]
if has("netCDF4") or has("h5netcdf"):
    FORMS.append((".nc", netcdf))
if has("zarr"):
    FORMS.append((".zarr", zarr))


def check_groups(folder, name):
    """Every form has the same arrays, under the same names of axes."""
    fits = {ending: read(folder / f"{name}{ending}") for ending, read in FORMS}
    first = fits[".json"]
    groups = ["posterior", "sample_stats", "posterior_predictive", "log_likelihood", "observed_data"]
    for ending, fit in fits.items():
        for group in groups:
            for variable, array in fit[group].data_vars.items():
                other = first[group][variable]
                assert array.dims == other.dims, (name, ending, variable, array.dims, other.dims)
                assert np.array_equal(array.values, other.values), (name, ending, variable)
        assert fit["posterior"].sizes["draw"] == 500, fit["posterior"].sizes
        assert fit["posterior"].draw.values[[0, -1]].tolist() == [0, 499]
    if ".nc" in fits:
        assert fits[".nc"]["posterior"].attrs["inference_library"] == "elbo"
        assert fits[".nc"]["posterior"].attrs["converged"] == 1
    return fits


def use(fits):
    """What is done with fits."""
    schools, pooled, regression = (fits[name] for name in NAMES)
    theta = schools["posterior"]["theta"]
    assert theta.dims == ("chain", "draw", "J"), theta.dims
    assert theta.J.values.tolist() == list(range(1, 9))
    assert regression["posterior_predictive"]["growth"].dims[2] == "N"
    # An extent is no array of its own.
    assert list(schools["constant_data"].data_vars) == ["sigma"]
    summary = az.summary(schools, var_names=["mu", "tau", "theta"], **({} if NEW else {"kind": "stats"}))
    assert "theta[8]" in summary.index, summary
    means = theta.mean(["chain", "draw"]).values
    # The first school's effect is the largest by far, and shrunk well below its estimate of 28.
    assert means.argmax() == 0 and 4 < means[0] < 12, means
    assert abs(float(regression["posterior"]["alpha"].mean()) - 20) < 10
    loo = az.loo(schools)
    value = loo.elpd if NEW else loo.elpd_loo
    # NUTS gives -30.8 with a standard error of 1.4.
    assert -33 < value < -29, loo
    table = az.compare({"schools": schools, "pooled": pooled})
    assert set(table.index) == {"schools", "pooled"} and np.isfinite(table["elpd" if NEW else "elpd_loo"]).all()
    assert az.loo(regression) is not None
    if NEW:
        az.plot_dist(schools, var_names=["mu", "tau"], backend="matplotlib")
        az.plot_forest(schools, var_names=["theta"], backend="matplotlib")
        az.plot_ppc_dist(schools, backend="matplotlib")
        az.plot_ppc_dist(regression, backend="matplotlib")
        az.plot_compare(table, backend="matplotlib")
    else:
        az.plot_posterior(schools, var_names=["mu", "tau", "theta"])
        az.plot_forest(schools, var_names=["theta"])
        az.plot_ppc(schools, num_pp_samples=50)
        az.plot_ppc(regression, num_pp_samples=50)
        az.plot_compare(table)


def check_awkward(folder):
    for ending, read in FORMS:
        for name, draws in [("awkward", 4), ("none", 0)]:
            if ending == ".json" and draws == 0:
                # Lists of nothing do not say how long they would be.
                continue
            fit = read(folder / f"{name}{ending}")["posterior"]
            w = fit["h[1].w"]
            assert w.shape == (1, draws, 3, 2) and w.dims[2:] == ("town", "K"), w
            assert w.town.values.tolist() == ["San José, CA/US", "東京", ""], w.town
            assert fit["n"].dtype == np.int64 and fit["on"].dtype == bool, fit
            assert fit["cov"].dims[2:] == ("K", "cov_dim_1"), fit["cov"].dims
            assert fit["chain_"].dims[2:] == ("chain_dim_0",), fit["chain_"].dims
            assert fit["empty"].shape == (1, draws, 0), fit["empty"].shape
            assert "K_" in fit.data_vars
            if draws:
                assert w.values.ravel().tolist() == list(range(24))
                assert fit["on"].values.tolist() == [[False, True, False, True]]
                broken = fit["broken"].values.astype(float)[0]
                assert np.isnan(broken[0]) and broken[1] == 1


def check_cmdstan(folder, json_fit):
    """CSV with the readers of CmdStan's."""
    path = str(folder / "schools.csv")
    theta = json_fit["posterior"]["theta"].values
    if hasattr(az, "from_cmdstan"):
        fit = az.from_cmdstan(path, posterior_predictive="y_rep", log_likelihood={"y": "log_lik"},
                              observed_data=None)
        assert np.array_equal(fit.posterior["theta"].values, theta)
        assert "lp" in fit.sample_stats and "lp_approx" in fit.sample_stats, fit.sample_stats
        assert fit.log_likelihood["y"].shape == (1, 500, 8) and fit.posterior_predictive["y_rep"].shape == (1, 500, 8)
        assert np.isfinite(az.loo(fit).elpd_loo)
        w = az.from_cmdstan(str(folder / "awkward.csv")).posterior["h[1]:w"]
        assert w.values.ravel().tolist() == list(range(24)), w
    if has("cmdstanpy"):
        import cmdstanpy

        fit = cmdstanpy.from_csv(path)
        assert np.array_equal(fit.stan_variable("theta"), theta[0]), fit
        assert fit.method_variables()["lp__"].shape == (500, 1)


def check_parquet(folder, json_fit):
    path = folder / "schools.parquet"
    if path.exists() and has("pandas", "pyarrow"):
        import pandas

        table = pandas.read_parquet(path)
        assert list(table.columns[:4]) == ["chain", "draw", "lp", "lp_approx"], table.columns
        assert np.array_equal(table["theta[3]"], json_fit["posterior"]["theta"].values[0, :, 2])
        assert len(table) == 500 and "log_lik[8]" in table and "y_rep[1]" in table


def main(folder):
    warnings.simplefilter("ignore")
    fits = {name: check_groups(folder, name) for name in NAMES}
    for ending, _ in FORMS:
        use({name: fits[name][ending] for name in NAMES})
        matplotlib.pyplot.close("all")
    check_awkward(folder)
    check_cmdstan(folder, fits["schools"][".json"])
    check_parquet(folder, fits["schools"][".json"])
    print("ArviZ", az.__version__, "reads", *(ending for ending, _ in FORMS))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
