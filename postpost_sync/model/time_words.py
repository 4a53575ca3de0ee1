"""The words that times are written in, in ten languages, and what abbreviations of zones stand for. Data alone."""

from __future__ import annotations

import re
import unicodedata


def table(*rows: str) -> dict[str, int]:
    return {plain(word): number for number, row in enumerate(rows) for word in row.split()}


def plain(text: str) -> str:
    """In one case, without accents and what no one sees; all digits are 0 to 9, all dashes are hyphens."""
    composed = unicodedata.normalize("NFKC", text).casefold()
    parts = unicodedata.normalize("NFD", composed)
    bare = "".join(c for c in parts if unicodedata.category(c) not in ("Mn", "Cf"))
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in unicodedata.normalize("NFC", bare))
    return " ".join(re.sub("[\u2010-\u2015\u2212]", "-", digits).split())


# English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Polish.
MONTHS = table(
    "",
    "jan january januar jänner jän janvier janv enero ene gennaio gen janeiro januari stycznia styczeń sty",
    "feb february februar feber février févr fév febrero febbraio fevereiro fev februari lutego luty lut",
    "mar march märz mrz mär mars marzo março maart mrt marts marca marzec",
    "apr april avril avr abril abr aprile kwietnia kwiecień kwi",
    "may mai mayo maggio mag maio mei maj maja",
    "jun june juni juin junio giugno giu junho czerwca czerwiec cze",
    "jul july juli juillet juil julio luglio lug julho lipca lipiec lip",
    "aug august août aoû agosto ago augustus augusti sierpnia sierpień sie",
    "sep sept september septembre septiembre settembre set setembro września wrzesień wrz",
    "oct october oktober okt octobre octubre ottobre ott outubro out października październik paź",
    "nov november novembre noviembre novembro listopada listopad lis",
    "dec december dezember dez décembre déc diciembre dic dicembre dezembro grudnia grudzień gru",
)
WEEKDAYS = table(
    "mon monday montag lundi lun lunes lunedì segunda segunda-feira maandag måndag mandag poniedziałek",
    "tue tues tuesday dienstag mardi martes martedì terça terça-feira dinsdag tisdag tirsdag wtorek",
    "wed wednesday mittwoch mercredi mer miércoles mercoledì quarta quarta-feira woensdag onsdag środa",
    "thu thur thurs thursday donnerstag jeudi jeu jueves giovedì quinta quinta-feira donderdag torsdag czwartek",
    "fri friday freitag vendredi ven viernes venerdì sexta sexta-feira vrijdag fredag piątek",
    "sat saturday samstag sonnabend samedi sam sábado sabato zaterdag lördag lørdag sobota",
    "sun sunday sonntag dimanche dim domingo domenica zondag söndag søndag niedziela",
)
# beside a date
SHORT_DAYS = table("mo ma", "tu di mar", "we mi wo mie", "th do", "fr vr vie", "sa za sab", "su so zo dom")
DAYS_AHEAD = {
    plain(word): number
    for number, words in (
        (0, "today tonight heute aujourd'hui hoy oggi hoje vandaag idag dzisiaj dziś"),
        (1, "tomorrow tmrw tmr morgen demain mañana domani amanhã imorgon jutro"),
        (2, "übermorgen après-demain dopodomani overmorgen pojutrze"),
    )
    for word in words.split()
}
NOON = set(map(plain, "noon midday mittag mittags midi mediodía mezzogiorno middag południe".split()))
MIDNIGHT = set(map(plain, "midnight mitternacht minuit medianoche mezzanotte meia-noite middernacht północ".split()))
FILLERS = set(
    map(
        plain,
        "at on the of uhr um am den der dem le la à a las los el de del di do da em as às alle ore kl klokken om op den "
        "o'clock oclock hrs hours hour h t next this coming nächsten nächster nächste kommenden prochain próximo date "
        "time local lokal uur and und et y e".split(),
    )
)
UNITS = {
    "minutes": "m min mins minute minutes minuten minuti minutos minuter",
    "hours": "h hr hrs hour hours stunde stunden heure heures hora horas ore uur timmar",
    "days": "d day days tag tagen tage jour jours día días giorni dias dagen dagar",
    "weeks": "w week weeks woche wochen semaine semaines semana semanas settimane weken veckor",
}
UNIT_OF = {plain(word): unit for unit, words in UNITS.items() for word in words.split()}

# Abbreviations: minutes ahead of UTC, and a place that has it at least for a part of the year.
ABBREVIATIONS: dict[str, tuple[tuple[int, str], ...]] = {
    "est": ((-300, "America/New_York"),),
    "edt": ((-240, "America/New_York"),),
    "cst": ((-360, "America/Chicago"), (480, "Asia/Shanghai")),
    "cdt": ((-300, "America/Chicago"),),
    "mst": ((-420, "America/Denver"),),
    "mdt": ((-360, "America/Denver"),),
    "pst": ((-480, "America/Los_Angeles"),),
    "pdt": ((-420, "America/Los_Angeles"),),
    "akst": ((-540, "America/Anchorage"),),
    "hst": ((-600, "Pacific/Honolulu"),),
    "brt": ((-180, "America/Sao_Paulo"),),
    "bst": ((60, "Europe/London"),),
    "wet": ((0, "Europe/Lisbon"),),
    "west": ((60, "Europe/Lisbon"),),
    "cet": ((60, "Europe/Berlin"),),
    "cest": ((120, "Europe/Berlin"),),
    "mez": ((60, "Europe/Berlin"),),
    "mesz": ((120, "Europe/Berlin"),),
    "eet": ((120, "Europe/Helsinki"),),
    "eest": ((180, "Europe/Helsinki"),),
    "msk": ((180, "Europe/Moscow"),),
    "sast": ((120, "Africa/Johannesburg"),),
    "ist": ((330, "Asia/Kolkata"), (60, "Europe/Dublin"), (120, "Asia/Jerusalem")),
    "pkt": ((300, "Asia/Karachi"),),
    "sgt": ((480, "Asia/Singapore"),),
    "hkt": ((480, "Asia/Hong_Kong"),),
    "jst": ((540, "Asia/Tokyo"),),
    "kst": ((540, "Asia/Seoul"),),
    "awst": ((480, "Australia/Perth"),),
    "acst": ((570, "Australia/Adelaide"),),
    "aest": ((600, "Australia/Sydney"),),
    "aedt": ((660, "Australia/Sydney"),),
    "nzst": ((720, "Pacific/Auckland"),),
    "nzdt": ((780, "Pacific/Auckland"),),
}
SPOKEN = {  # said in words, or left open which half of the year
    "et": "America/New_York",
    "ct": "America/Chicago",
    "mt": "America/Denver",
    "pt": "America/Los_Angeles",
    "eastern": "America/New_York",
    "central": "America/Chicago",
    "mountain": "America/Denver",
    "pacific": "America/Los_Angeles",
    "central european": "Europe/Berlin",
    "w. europe": "Europe/Berlin",
    "central europe": "Europe/Budapest",
    "romance": "Europe/Paris",
    "greenwich mean": "Europe/London",
    "british": "Europe/London",
    "uk": "Europe/London",
    "india": "Asia/Kolkata",
    "china": "Asia/Shanghai",
    "germany": "Europe/Berlin",
    "deutschland": "Europe/Berlin",
    "france": "Europe/Paris",
}
AT_ONCE = set(
    map(
        plain,
        "asap a.s.a.p. a.s.a.p immediately instantly straightaway now sofort jetzt gleich umgehend maintenant ahora ya "
        "adesso subito agora já nu nú genast teraz right_now at_once as_soon_as_possible straight_away "
        "tout_de_suite ahora_mismo".split(),
    )
)
NO_TIME = set(
    map(
        plain,
        "draft later never none null nil no tbd tba tbc n/a na x open unknown undecided someday "
        "soon entwurf später offen brouillon plus_tard borrador bozza rascunho concept utkast kladde szkic".split(),
    )
)
FREE_SLOT = set(
    map(
        plain,
        "queue queued auto automatic slot next_slot next_free next_free_slot free_slot best_time next nächster".split(),
    )
)
MORNING = "in the morning|morgens|vormittags|du matin|de la manana|da manha|di mattina|오전|上午|午前"
EVENING = (
    "in the afternoon|in the evening|at night|nachmittags|abends|de l'apres-midi|du soir|de la tarde|de la noche"
    "|da tarde|da noite|del pomeriggio|di sera|오후|下午|午後"
)
