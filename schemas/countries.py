"""Names that countries have in English beside those of Unicode's list: as Mautic's closed list and many a form have them."""

from __future__ import annotations

from collections.abc import Mapping

OTHERS: Mapping[str, str] = {
    "AG": "Antigua and Barbuda", "BA": "Bosnia and Herzegovina", "BL": "Saint Barthelemy", "BQ": "Bonaire, Saint Eustatius and Saba",
    "CD": "Democratic Republic of the Congo", "CG": "Republic of the Congo", "CI": "Ivory Coast", "CZ": "Czech Republic",
    "GS": "South Georgia and the South Sandwich Islands", "GW": "Guinea Bissau", "HK": "Hong Kong",
    "HM": "Heard Island and McDonald Islands", "KN": "Saint Kitts and Nevis", "LC": "Saint Lucia", "MF": "Saint Martin", "MK": "Macedonia",
    "MM": "Myanmar", "MO": "Macao", "PM": "Saint Pierre and Miquelon", "PN": "Pitcairn", "PS": "Palestine",
    "SH": "Saint Helena, Ascension and Tristan da Cunha", "SJ": "Svalbard and Jan Mayen", "ST": "Sao Tome and Principe",
    "TC": "Turks and Caicos Islands", "TL": "East Timor", "TR": "Turkey", "TT": "Trinidad and Tobago", "VA": "Holy See",
    "VC": "Saint Vincent and the Grenadines", "VG": "Virgin Islands (British)", "VI": "Virgin Islands (U.S.)", "WF": "Wallis and Futuna",
}  # fmt: skip
"""Two letters → name."""
