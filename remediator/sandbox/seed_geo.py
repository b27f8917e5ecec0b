"""How people write countries and states, by the value that the org accepts.

General knowledge, written for the sandbox. Case or outer blanks alone never make the difference, since
Salesforce overlooks those.
"""

from __future__ import annotations

from collections.abc import Mapping


def _table(text: str) -> dict[str, tuple[str, ...]]:
    rows = (line.partition(":") for line in text.strip().splitlines())
    return {right.strip(): tuple(word.strip() for word in words.split("|")) for right, _, words in rows}


COUNTRY_NAMES: Mapping[str, tuple[str, ...]] = _table(
    """
    Germany: Deutschland | Allemagne | Alemania | Germania | Alemanha | Duitsland | Tyskland | Niemcy | Německo | Saksa | Германия | Almanya | ドイツ | 德国 | 독일 | Γερμανία | ألمانيا | Németország | BR Deutschland | Bundesrepublik Deutschland
    United States: Vereinigte Staaten | États-Unis | Etats-Unis | Estados Unidos | Stati Uniti | Verenigde Staten | Förenta staterna | Stany Zjednoczone | Соединенные Штаты | США | アメリカ合衆国 | 美国 | 미국 | Yhdysvallat | Spojené státy | ABD | EE.UU. | EEUU | EUA
    France: Frankreich | Francia | França | Frankrijk | Frankrike | Francja | Франция | Fransa | フランス | 法国 | 프랑스 | Francie | Ranska | Frankrig
    United Kingdom: Vereinigtes Königreich | Royaume-Uni | Reino Unido | Regno Unito | Verenigd Koninkrijk | Storbritannien | Wielka Brytania | Великобритания | イギリス | 英国 | 영국 | Großbritannien | Gran Bretaña
    Spain: Spanien | Espagne | España | Spagna | Espanha | Spanje | Hiszpania | Испания | スペイン | 西班牙 | İspanya | Španělsko
    Italy: Italien | Italie | Italia | Itália | Italië | Włochy | Италия | イタリア | 意大利 | İtalya | Itálie
    Netherlands: Niederlande | Pays-Bas | Países Bajos | Paesi Bassi | Nederland | Holandia | Нидерланды | オランダ | 荷兰 | Hollanda | Países Baixos
    Switzerland: Schweiz | Suisse | Suiza | Svizzera | Suíça | Zwitserland | Szwajcaria | Швейцария | スイス | 瑞士 | İsviçre | Sveits
    Austria: Österreich | Autriche | Oostenrijk | Österrike | Rakousko | Австрия | オーストリア | 奥地利 | Avusturya | Áustria
    Belgium: Belgien | Belgique | Bélgica | Belgio | België | Бельгия | ベルギー | 比利时 | Belçika
    Sweden: Schweden | Suède | Suecia | Svezia | Sverige | Zweden | Szwecja | Швеция | スウェーデン | 瑞典
    Norway: Norwegen | Norvège | Noruega | Norvegia | Norge | Noorwegen | Норвегия | ノルウェー | 挪威
    Denmark: Dänemark | Danemark | Dinamarca | Danimarca | Danmark | Denemarken | Дания | デンマーク | 丹麦
    Finland: Finnland | Finlande | Finlandia | Suomi | Финляндия | フィンランド | 芬兰
    Poland: Polen | Pologne | Polonia | Polska | Polônia | Польша | ポーランド | 波兰 | Polonya
    Czech Republic: Tschechien | Tchéquie | Chequia | Česko | Česká republika | Tsjechië | Чехия | チェコ | 捷克
    Portugal: Португалия | ポルトガル | 葡萄牙 | Portekiz | Portogallo
    Greece: Griechenland | Grèce | Grecia | Ελλάδα | Griekenland | Греция | ギリシャ | 希腊 | Yunanistan
    Hungary: Ungarn | Hongrie | Hungría | Magyarország | Węgry | Венгрия | ハンガリー | 匈牙利
    Romania: Rumänien | Roumanie | Rumania | România | Румыния | ルーマニア | 罗马尼亚
    Turkey: Türkei | Turquie | Turquía | Türkiye | Turchia | Turkije | Турция | トルコ | 土耳其
    Russian Federation: Russland | Russie | Rusia | Россия | Rosja | ロシア | 俄罗斯
    Ukraine: Украина | Україна | Ucrania | Ucraina | ウクライナ | 乌克兰
    Ireland: Irland | Irlande | Irlanda | Éire | Ierland | Ирландия | アイルランド | 爱尔兰
    Japan: 日本 | Japon | Japón | Giappone | Япония | Japonya | 일본
    China: 中国 | Chine | Cina | Китай | Çin | Kina | Chiny | 중국
    India: Indien | Inde | भारत | Индия | インド | 印度 | Hindistan
    Brazil: Brasilien | Brésil | Brasil | Brasile | Brazilië | Бразилия | ブラジル | 巴西
    Mexico: Mexiko | Mexique | México | Messico | Мексика | メキシコ | 墨西哥 | Méjico
    Canada: Kanada | Canadá | Канада | カナダ | 加拿大 | 캐나다
    Australia: Australien | Australie | Австралия | オーストラリア | 澳大利亚 | Avustralya | Ausztrália
    New Zealand: Neuseeland | Nouvelle-Zélande | Nueva Zelanda | Nieuw-Zeeland | ニュージーランド | 新西兰
    South Africa: Südafrika | Afrique du Sud | Sudáfrica | Zuid-Afrika | Suid-Afrika | 南非
    Korea, Republic of: Südkorea | Corée du Sud | Corea del Sur | 대한민국 | 韓国 | 韩国
    Egypt: Ägypten | Égypte | Egipto | مصر | エジプト | 埃及
    Saudi Arabia: Saudi-Arabien | Arabie saoudite | Arabia Saudita | السعودية | サウジアラビア
    United Arab Emirates: Vereinigte Arabische Emirate | Émirats arabes unis | Emiratos Árabes Unidos | الإمارات العربية المتحدة
    Israel: Israël | ישראל | イスラエル | 以色列
    Singapore: Singapur | Singapour | 新加坡 | シンガポール
    Thailand: Thaïlande | Tailandia | ประเทศไทย | タイ王国 | 泰国
    Argentina: Argentinien | Argentine | Аргентина | アルゼンチン | 阿根廷
    Chile: Chili | Чили | 智利 | チリ
    Luxembourg: Luxemburg | Lussemburgo | Luxemburgo | Lëtzebuerg
    Croatia: Kroatien | Croatie | Hrvatska | Croacia
    Morocco: Marokko | Maroc | Marruecos | المغرب
    Philippines: Philippinen | Filipinas | Pilipinas | フィリピン
    Indonesia: Indonesien | Indonésie | インドネシア
    Serbia: Serbien | Serbie | Србија | Srbija
    Bulgaria: Bulgarien | Bulgarie | България
    Estonia: Estland | Estonie | Eesti
    """  # noqa: E501 - a country a line
)

COUNTRY_SHORT: Mapping[str, tuple[str, ...]] = _table(
    """
    United States: USA | U.S.A. | US | U.S. | United States of America | The United States | U. S. A. | USA.
    United Kingdom: UK | U.K. | GB | GBR | Great Britain | G.B. | England | Scotland | Wales
    United Arab Emirates: UAE | U.A.E.
    Netherlands: NL | NLD | Holland | The Netherlands
    Germany: DE | DEU | Federal Republic of Germany
    France: FR | FRA | French Republic
    Spain: ES | ESP | Kingdom of Spain
    Italy: ITA | Italian Republic
    Switzerland: CHE | Swiss Confederation
    Austria: AUT | Republic of Austria
    Sweden: SWE | Kingdom of Sweden
    Poland: POL | Republic of Poland
    Australia: AUS | Commonwealth of Australia
    Japan: JP | JPN
    Brazil: BRA | Federative Republic of Brazil
    Mexico: MEX | United Mexican States
    China: PRC | P.R. China | People's Republic of China | Mainland China | CHN
    Korea, Republic of: South Korea | Republic of Korea | KOR | S. Korea
    Russian Federation: Russia | RUS
    Czech Republic: Czechia | CZE
    Turkey: Republic of Türkiye | TUR
    Iran, Islamic Republic of: Iran
    Venezuela, Bolivarian Republic of: Venezuela
    Bolivia, Plurinational State of: Bolivia
    Tanzania, United Republic of: Tanzania
    Moldova, Republic of: Moldova
    Syrian Arab Republic: Syria
    Lao People's Democratic Republic: Laos
    Brunei Darussalam: Brunei
    Cote d'Ivoire: Ivory Coast | Côte d’Ivoire
    Eswatini: Swaziland
    Myanmar: Burma
    Cape Verde: Cabo Verde
    Taiwan: Taiwan, Province of China | Taiwan, R.O.C.
    Bahamas: The Bahamas
    Gambia: The Gambia
    Vietnam: Viet Nam
    North Macedonia: FYROM
    Saudi Arabia: KSA | Kingdom of Saudi Arabia
    South Africa: RSA | Republic of South Africa
    New Zealand: NZL | Aotearoa
    Ireland: IRL | Republic of Ireland
    Philippines: PHL | The Philippines
    """
)

COUNTRY_TYPOS: Mapping[str, tuple[str, ...]] = _table(
    """
    Germany: Germnay | Gernany | Germeny | Deutchland | Deutschalnd
    United States: Untied States | United Sates | Unites States | United Stats | Unted States
    France: Frnace | Farnce | Francee
    United Kingdom: United Kindom | Untied Kingdom | United Kingdon | Unitd Kingdom
    Netherlands: Neterlands | Netherland | Nederlands | Netherlnds
    Switzerland: Switzerand | Swizterland | Switerland | Switzerlnd
    Australia: Austrailia | Austalia
    Philippines: Phillipines | Philipines | Phillippines
    Singapore: Singapor | Singpore | Singapoore
    Portugal: Portgual | Protugal
    Belgium: Belguim | Begium
    Argentina: Argentinia | Argentna
    Indonesia: Indonisia | Indonesa
    Denmark: Denmak | Danemrk
    Finland: Finnland.
    Thailand: Thialand | Tailand
    New Zealand: New Zeland | New Zealnd
    South Africa: South Afirca | South Arica
    Luxembourg: Luxembourgh | Luxemborg
    Saudi Arabia: Saudia Arabia | Suadi Arabia
    Canada: Cananda | Canadaa
    Colombia: Colombiaa
    Venezuela, Bolivarian Republic of: Venezeula
    """
)

COUNTRY_MIXED: Mapping[str, tuple[str, ...]] = _table(
    """
    Germany: Germany (DE) | DE - Germany | Deutschland (Germany)
    United States: United States (US) | US - United States | USA (United States)
    France: France (FR) | FR - France
    United Kingdom: United Kingdom (UK) | UK - United Kingdom | United Kingdom (GB)
    Spain: España (Spain) | Spain (ES)
    Japan: Japan (日本) | JP - Japan
    """
)

STATE_SHORT: Mapping[str, tuple[str, ...]] = _table(
    """
    United States/California: CA | Calif. | Calif | Cal.
    United States/New York: NY | N.Y. | New York State
    United States/Texas: TX | Tex. | Tex
    United States/Florida: FL | Fla. | Fla
    United States/Illinois: IL | Ill.
    United States/Massachusetts: MA | Mass. | Mass
    United States/Pennsylvania: PA | Penn. | Penna.
    United States/Washington: WA | Wash. | Washington State
    United States/Georgia: GA | Ga.
    United States/Ohio: OH
    United States/Virginia: VA | Va.
    United States/New Jersey: NJ | N.J.
    United States/North Carolina: NC | N.C. | N. Carolina
    United States/Colorado: CO | Colo.
    United States/Michigan: MI | Mich.
    United States/Minnesota: MN | Minn.
    United States/Arizona: AZ | Ariz.
    United States/Connecticut: CT | Conn.
    United States/Tennessee: TN | Tenn.
    United States/District of Columbia: DC | D.C. | Washington DC | Washington, D.C.
    Canada/Ontario: ON | Ont. | Ont
    Canada/Quebec: QC | Québec | PQ
    Canada/British Columbia: BC | B.C.
    Canada/Alberta: AB | Alta.
    Canada/Newfoundland and Labrador: NL | Newfoundland & Labrador | Newfoundland
    Canada/Yukon Territories: YT | Yukon
    Australia/New South Wales: NSW | N.S.W.
    Australia/Victoria: VIC | Vic.
    Australia/Queensland: QLD | Qld.
    Australia/Western Australia: WA | W.A. | West Australia
    Brazil/São Paulo: SP | Sao Paulo | S. Paulo
    Brazil/Rio de Janeiro: RJ
    Brazil/Minas Gerais: MG
    Brazil/Paraná: PR | Parana
    India/Maharashtra: MH
    India/Karnataka: KA
    India/Tamil Nadu: TN | Tamilnadu
    India/Delhi: DL | New Delhi
    India/Odisha: Orissa
    India/Puducherry: Pondicherry
    Mexico/Jalisco: JAL | Jal.
    Mexico/Nuevo León: NLE | Nuevo Leon | N.L.
    Mexico/Michoacán: MIC | Michoacan
    Italy/Milano: MI | Milan
    Italy/Roma: RM | Rome
    Italy/Torino: TO | Turin
    Ireland/Dublin: Co. Dublin | County Dublin
    Ireland/Cork: Co. Cork | County Cork
    """
)

STATE_NAMES: Mapping[str, tuple[str, ...]] = _table(
    """
    United States/California: Kalifornien | Californie | カリフォルニア州 | Калифорния | Kalifornia
    United States/New York: Nueva York | Nova York | Нью-Йорк
    United States/Texas: Tejas | テキサス州 | Техас
    United States/Florida: Floride | フロリダ州
    United States/Pennsylvania: Pennsylvanie | Pensilvania
    United States/Hawaii: Hawai'i
    Canada/Quebec: Québec (Province)
    Canada/British Columbia: Colombie-Britannique
    Canada/Nova Scotia: Nouvelle-Écosse
    Australia/New South Wales: Neusüdwales | Nouvelle-Galles du Sud
    Japan/Tokyo: 東京都 | 東京 | Tōkyō
    Japan/Osaka: 大阪府 | 大阪 | Ōsaka
    Japan/Kyoto: 京都府
    Japan/Hokkaido: 北海道 | Hokkaidō
    Japan/Aichi: 愛知県
    Japan/Kanagawa: 神奈川県
    Japan/Fukuoka: 福岡県
    China/Guangdong: 广东 | 广东省 | Guangdong Province
    China/Beijing: 北京 | 北京市 | Peking
    China/Shanghai: 上海 | 上海市
    China/Zhejiang: 浙江 | 浙江省
    China/Jiangsu: 江苏 | 江苏省
    China/Sichuan: 四川 | 四川省
    India/Maharashtra: महाराष्ट्र
    India/Gujarat: ગુજરાત
    Italy/Firenze: Florence | Florenz
    Italy/Napoli: Naples | Neapel
    Italy/Venezia: Venice | Venedig
    """
)

STATE_TYPOS: Mapping[str, tuple[str, ...]] = _table(
    """
    United States/California: Californa | Califonia | Callifornia
    United States/Massachusetts: Massachusets | Massachussetts
    United States/Pennsylvania: Pensylvania | Pennsilvania
    United States/Connecticut: Conneticut | Connecticutt
    United States/Tennessee: Tennesee | Tenessee
    United States/Illinois: Illinios | Illnois
    United States/Minnesota: Minesota | Minnestoa
    United States/Washington: Washigton | Washingtno
    Canada/British Columbia: British Colombia | Britsh Columbia
    Canada/Saskatchewan: Saskatchewen | Saskatchwan
    Australia/Queensland: Queensand | Queenland
    Australia/New South Wales: New South Whales | New Sout Wales
    Brazil/Minas Gerais: Minas Geraes | Minas Gerias
    India/Maharashtra: Maharastra | Maharashtr
    India/Karnataka: Karnatka | Karnatak
    India/West Bengal: West Bangal | West Bengl
    Mexico/Guanajuato: Guanjuato | Guanajato
    Japan/Kanagawa: Kanagwa | Kanagava
    """
)

STATES_OF_ONE_COUNTRY: Mapping[str, tuple[str, ...]] = _table(
    """
    United States: California | Texas | Massachusetts | Pennsylvania | Michigan | Tennessee | Oklahoma
    Canada: Ontario | British Columbia | Saskatchewan | Nova Scotia
    Australia: New South Wales | Queensland | Tasmania
    India: Maharashtra | Karnataka | Tamil Nadu
    Japan: Hokkaido | Kanagawa
    """
)
"""States whose name exists in one country only, so that the country follows from it."""

STATES_WITHOUT_LIST: Mapping[str, tuple[str, ...]] = _table(
    """
    Germany: Bayern | Hessen | Sachsen
    Switzerland: Zürich | Vaud
    Spain: Cataluña | Madrid
    France: Bretagne | Normandie
    """
)
"""States of countries for which the org has no list of states."""

# Nobody can tell from these what was meant.
JUNK_COUNTRIES = (
    "asdf",
    "n/a",
    "N/A",
    "test",
    "-",
    "none",
    "unknown",
    "???",
    "xx",
    "Other",
    "Please select",
    "...",
)
REGIONS = ("Europe", "EMEA", "LATAM", "Asia", "DACH", "Middle East", "Benelux", "Scandinavia")
TWO_COUNTRIES = ("USA, Canada", "Germany / France", "UK & Ireland", "Spain and Portugal")
JUNK_STATES = ("asdf", "n/a", "Other", "-", "unknown", "xxx", "none")
CONTRADICTIONS = (("Canada", "Texas"), ("United States", "Ontario"), ("Australia", "California"))
"""A valid country with the state of another: one of the two is wrong, and nothing says which."""
