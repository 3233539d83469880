"""Small studies for tests: manifests without pictures, plans of them. Whoever rates in a test is simulated."""

from mos_study.plan import ANCHOR, CLEAN, Settings, make_plan


def manifest(contents=6, conditions=("degraded", "small", "clean"), categories=2, size=(48, 64)):
    """What the renderer writes of so many pictures of a size (height, width), without their files."""
    stimuli = []
    for content in range(contents):
        for condition in dict.fromkeys((*conditions, CLEAN, ANCHOR)):
            stimuli.append(
                {
                    "stimulus": f"s{content:03d}{condition}",
                    "file": f"stimuli/s{content:03d}{condition}.png",
                    "content": f"picture{content:03d}",
                    "category": f"kind{content % categories}",
                    "condition": condition,
                    "height": size[0],
                    "width": size[1],
                }
            )
    return {"stimuli": stimuli}


def plan_of(method="ab", contents=6, conditions=("degraded", "small", "clean"), raters=4, seed=7, **settings):
    """A plan; settings: more of mos_study.plan.Settings."""
    return make_plan(manifest(contents, conditions), Settings(method, tuple(conditions), raters, seed, **settings))
