"""The command lines that a fit's report offers: the run itself, and what to do next."""

from __future__ import annotations

from pathlib import Path

from edgesmith.core.config import to_dict
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.proxy_wishes import DEFAULT
from edgesmith.report import content


def repeat(config: FitConfig) -> content.Command:
    """The whole run, with every option that is not where its default is."""
    named = {
        "--recipe": config.recipe,
        "--resolution": config.resolution,
        "--max-size": config.max_size,
        "--max-memory": config.max_memory,
        "--teacher": config.teacher,
        "--preset": config.preset,
    }
    parts = [f"edgesmith {config.verb} {config.data} --budget {config.budget}"]
    across = f" --across {config.across}" if config.target.is_many else ""
    parts.append(f"--device {config.device}{across} --seed {config.seed}")
    parts.append(f"--time {config.time}" if config.time else f"--effort {config.effort}")
    parts.append(f"--weights {config.weights}")
    parts += [f"{option} {value}" for option, value in named.items() if value is not None]
    parts += _search_options(config)
    parts += [f"--set {setting}" for setting in config.settings]
    return content.Command(text=" ".join(parts), purpose="the whole run")


def next_steps(bundle: Path, config: FitConfig) -> tuple[content.Command, ...]:
    """What one does with a bundle."""
    lines = {
        f"edgesmith predict {bundle} PICTURE.jpg": "try a picture",
        f"edgesmith measure {bundle} mobilenet_v3_small": "set it against another net",
        f"edgesmith evaluate {bundle} {config.data} --device {config.device.split(',')[0]}": "score the file again",
        f"edgesmith fit {config.data} --budget {config.budget} --effort thorough": "search for longer",
    }
    return tuple(content.Command(text=text, purpose=purpose) for text, purpose in lines.items())


def _search_options(config: FitConfig) -> list[str]:
    wishes = config.search
    if config.verb == "fit":
        chosen = {"search": wishes is not None, "adapt": config.adapt, "int8": config.int8}
        if wishes is not None and wishes.if_worth:
            del chosen["search"]
        if config.preset is not None:
            chosen = {"int8": config.int8}
        return [f"--{name}" if is_on else f"--no-{name}" for name, is_on in chosen.items()]
    assert wishes is not None, "the verb search is one with wishes"
    named = [f"--space {wishes.space} --strategy {wishes.strategy} --scoring {wishes.scoring} --reward {wishes.reward}"]
    counts = {"--trials": wishes.trials, "--batch": wishes.batch}
    short = to_dict(wishes.proxy).items()
    return [
        *named,
        *([f"--objective {','.join(wishes.objectives)}"] if wishes.is_front else []),
        *(f"--proxy {name}={value}" for name, value in short if value != getattr(DEFAULT, name)),
        *(f"{option} {count}" for option, count in counts.items() if count),
        *([] if wishes.random else ["--no-random"]),
    ]
