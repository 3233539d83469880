"""What a reader must know before believing the numbers of a report, one sentence each."""

from mos_study.report.findings import PRIOR, REFERENCE, widest
from mos_study.stats.sample_size import votes_for_preference

LABORATORY, PUBLIC, BROADCAST = 24, 35, 15  # raters that ITU-T P.910/P.913 and ITU-R BT.500 ask for


def caveats(findings):
    """Sentences of plain text, the gravest first."""
    return [sentence for say in (_raters, _exclusions, _precision, _preferences, _always) for sentence in say(findings)]


def _raters(findings):
    left = (findings.screened or findings.everyone).raters
    if not left:
        yield "The table names no raters: nothing is known of their number, and none could be screened."
        return
    if left < BROADCAST:
        counted = "1 rater is" if left == 1 else f"{left} raters are"
        yield (
            f"Only {counted} counted. ITU-R BT.500 asks for {BROADCAST}, ITU-T P.910 and P.913 for "
            f"{LABORATORY} in a laboratory and {PUBLIC} in public: this is a pilot, not a result."
        )
    elif left < LABORATORY:
        yield f"{left} raters are counted; ITU-T P.910 asks for {LABORATORY} in a laboratory and {PUBLIC} in public."
    elif left < PUBLIC:
        yield f"{left} raters are counted: enough for a laboratory ({LABORATORY}), not for raters in public ({PUBLIC})."
    answers = findings.raters.answers
    some = (answers < answers.max()).sum()
    if findings.methods and some:
        yield f"{some} of {len(answers)} raters gave fewer answers than the {answers.max()} of a full session."


def _exclusions(findings):
    out = (findings.raters.excluded != "").sum()
    if findings.screened is None and out:
        yield "The rules exclude every rater; only the results of all raters are shown."
    elif out > 0.2 * len(findings.raters):
        yield f"{out} of {len(findings.raters)} raters are excluded: look at why before publishing either number."
    if out:
        yield "The rules were applied after the fact: compare both results, and publish both where they differ."


def _precision(findings):
    view = findings.screened or findings.everyone
    if view.mos is None:
        return
    half, where = widest(view)
    if half > findings.aim:
        more = view.mos.more_raters.max()
        yield (
            f"The widest interval is ±{half:.2f} ({where}). For ±{findings.aim:.2g} on every condition about "
            f"{more:.0f} more raters are needed, if they differ as much as these do."
        )
    if (view.mos.raters < 2).any():
        some = ", ".join(map(str, view.mos.condition[view.mos.raters < 2]))
        yield f"Rated by one rater only, hence without an interval: {some[:200]}."
    if (view.mos.votes > view.mos.raters).any():
        yield (
            "The mean of a rater's votes on a condition counts as one vote: an interval tells how far other raters "
            "would differ on these pictures, not how other pictures would fare."
        )
    if "dmos" in view.mos:
        yield (f"DMOS is vote - the same rater's vote on {REFERENCE!r} of the same picture + 5 (ACR-HR): 5 is level.")


def _preferences(findings):
    view = findings.screened or findings.everyone
    if view.preferences is None:
        return
    yield (
        "A tie counts half for each side. Wilson's intervals take comparisons as independent; several by one rater "
        f"are not quite. To tell 60 % from one half takes about {votes_for_preference(0.6)} comparisons of a pair."
    )
    if view.prior:
        yield f"Some items won or lost every comparison: to score them, each side of each pair got {PRIOR} votes more."
    if view.groups > 1:
        yield f"The items fall into {view.groups} groups never compared with each other: their scores share no scale."


def _always(findings):
    yield "Intervals are 95 % each, not corrected for how many there are."
