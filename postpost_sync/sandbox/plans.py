"""The limits of a plan, answered as 403 with a code. Nothing else is refused here."""

from __future__ import annotations

from datetime import datetime, timedelta

from .behaviour import Behaviour, Plan
from .state import GroupRecord, State
from .wire import Refused, format_time


def check_platforms(behaviour: Behaviour, state: State, owner: str, platforms: tuple[str, ...], now: datetime) -> None:
    """Refuse platforms that the plan has not; on every create."""
    plan = behaviour.plan
    if plan is None:
        return
    names = {platform.partition("-")[0] for platform in platforms}
    disallowed = sorted(names.intersection(plan.platforms_disallowed))
    if disallowed:
        raise _refusal(
            behaviour,
            now,
            "PLATFORM_NOT_AVAILABLE",
            "platforms",
            f"{', '.join(disallowed)} is not available on the {plan.name} plan",
            (0, _month_used(state, owner, now), len(platforms)),
            disallowedPlatforms=disallowed,
        )


def check_schedule(
    behaviour: Behaviour, state: State, group: GroupRecord | None, owner: str, count: int, time: datetime, now: datetime
) -> None:
    """Refuse what the plan does not let be scheduled for `time`; `group` is None for one not yet created."""
    plan = behaviour.plan
    if plan is None:
        return
    if plan.horizon_days is not None and time > now + timedelta(days=plan.horizon_days):
        latest = now + timedelta(days=plan.horizon_days)
        raise _refusal(
            behaviour,
            now,
            "SCHEDULE_HORIZON_REACHED",
            "scheduleHorizon",
            f"Posts can be scheduled up to {plan.horizon_days:g} days ahead on the {plan.name} plan",
            (plan.horizon_days, 0, max(0, (time - now).days)),
            maxScheduledDate=format_time(latest),
        )
    if group is not None and group.status == "scheduled":
        return  # it has its place already, only the time moves
    connected = len(behaviour.connections)
    if plan.connections is not None and connected > plan.connections:
        message = f"{connected} accounts are connected, the {plan.name} plan allows {plan.connections}"
        numbers = (plan.connections, connected, 0)
        raise _refusal(behaviour, now, "CONNECTIONS_OVER_LIMIT", "connections", message, numbers)
    limit = _month_limit(behaviour, plan)
    used = _month_used(state, owner, now)
    if limit is not None and used + count > limit:
        message = f"You have used {used} of the {limit} posts of this month on the {plan.name} plan"
        raise _refusal(behaviour, now, "POST_LIMIT_REACHED", "posts", message, (limit, used, count))
    pending = sum(len(g.platforms) for g in state.groups.values() if g.owner == owner and g.status == "scheduled")
    if plan.pending is not None and pending + count > plan.pending:
        message = f"{pending} posts are pending, the {plan.name} plan allows {plan.pending}"
        numbers = (plan.pending, pending, count)
        raise _refusal(behaviour, now, "SCHEDULED_POST_LIMIT_REACHED", "scheduledPosts", message, numbers)


def month_of(now: datetime) -> tuple[datetime, datetime]:
    """The calendar month, which is the plan's period: its first moment and the next month's."""
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + timedelta(days=32)).replace(day=1)


def _month_limit(behaviour: Behaviour, plan: Plan) -> int | None:
    if plan.posts_per_connection is not None:
        return plan.posts_per_connection * len(behaviour.connections)
    return plan.posts_per_month


def _month_used(state: State, owner: str, now: datetime) -> int:
    start, end = month_of(now)
    counted = [(g.owner, g.counted_at, len(g.platforms)) for g in state.groups.values() if g.counted_at is not None]
    return sum(count for whose, time, count in counted + state.spent if whose == owner and start <= time < end)


def _refusal(
    behaviour: Behaviour,
    now: datetime,
    code: str,
    metric: str,
    message: str,
    numbers: tuple[float, float, float],
    **fields: object,
) -> Refused:
    limit, used, requested = numbers
    start, end = month_of(now)
    return Refused(
        403,
        message,
        code=code,
        metric=metric,
        message=message,
        limit=limit,
        used=used,
        requested=requested,
        remaining=max(0, limit - used),
        periodStart=format_time(start),
        periodEnd=format_time(end),
        planName=behaviour.plan.name if behaviour.plan is not None else None,
        **fields,
    )
