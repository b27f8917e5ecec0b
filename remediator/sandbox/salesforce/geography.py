"""Countries and states as Salesforce ships them with state and country picklists: codes, integration values.

Countries that Salesforce lists as states of another (Hong Kong, Puerto Rico, Guam) are missing on purpose.
China's and Mexico's state codes are Salesforce's, not those of ISO 3166-2. Countries without an entry in
``STATES`` have no states at all: any state is refused there.
"""

from __future__ import annotations


def _table(text: str) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in text.split("|"))


COUNTRIES: dict[str, str] = _table(
    "AF=Afghanistan|AX=Aland Islands|AL=Albania|DZ=Algeria|AD=Andorra|AO=Angola|AI=Anguilla|"
    "AQ=Antarctica|AG=Antigua and Barbuda|AR=Argentina|AM=Armenia|AW=Aruba|AU=Australia|AT=Austria|"
    "AZ=Azerbaijan|BS=Bahamas|BH=Bahrain|BD=Bangladesh|BB=Barbados|BY=Belarus|BE=Belgium|BZ=Belize|"
    "BJ=Benin|BM=Bermuda|BT=Bhutan|BO=Bolivia, Plurinational State of|"
    "BQ=Bonaire, Sint Eustatius and Saba|BA=Bosnia and Herzegovina|BW=Botswana|BV=Bouvet Island|"
    "BR=Brazil|IO=British Indian Ocean Territory|BN=Brunei Darussalam|BG=Bulgaria|BF=Burkina Faso|"
    "BI=Burundi|KH=Cambodia|CM=Cameroon|CA=Canada|CV=Cape Verde|KY=Cayman Islands|"
    "CF=Central African Republic|TD=Chad|CL=Chile|CN=China|CX=Christmas Island|"
    "CC=Cocos (Keeling) Islands|CO=Colombia|KM=Comoros|CG=Congo|"
    "CD=Congo, the Democratic Republic of the|CK=Cook Islands|CR=Costa Rica|CI=Cote d'Ivoire|"
    "HR=Croatia|CU=Cuba|CW=Curaçao|CY=Cyprus|CZ=Czech Republic|DK=Denmark|DJ=Djibouti|DM=Dominica|"
    "DO=Dominican Republic|EC=Ecuador|EG=Egypt|SV=El Salvador|GQ=Equatorial Guinea|ER=Eritrea|"
    "EE=Estonia|SZ=Eswatini|ET=Ethiopia|FK=Falkland Islands (Malvinas)|FO=Faroe Islands|FJ=Fiji|"
    "FI=Finland|FR=France|GF=French Guiana|PF=French Polynesia|TF=French Southern Territories|"
    "GA=Gabon|GM=Gambia|GE=Georgia|DE=Germany|GH=Ghana|GI=Gibraltar|GR=Greece|GL=Greenland|"
    "GD=Grenada|GP=Guadeloupe|GT=Guatemala|GG=Guernsey|GN=Guinea|GW=Guinea-Bissau|GY=Guyana|HT=Haiti|"
    "HM=Heard Island and McDonald Islands|VA=Holy See (Vatican City State)|HN=Honduras|HU=Hungary|"
    "IS=Iceland|IN=India|ID=Indonesia|IR=Iran, Islamic Republic of|IQ=Iraq|IE=Ireland|IM=Isle of Man|"
    "IL=Israel|IT=Italy|JM=Jamaica|JP=Japan|JE=Jersey|JO=Jordan|KZ=Kazakhstan|KE=Kenya|KI=Kiribati|"
    "KP=Korea, Democratic People's Republic of|KR=Korea, Republic of|KW=Kuwait|KG=Kyrgyzstan|"
    "LA=Lao People's Democratic Republic|LV=Latvia|LB=Lebanon|LS=Lesotho|LR=Liberia|LY=Libya|"
    "LI=Liechtenstein|LT=Lithuania|LU=Luxembourg|MO=Macao|MG=Madagascar|MW=Malawi|MY=Malaysia|"
    "MV=Maldives|ML=Mali|MT=Malta|MQ=Martinique|MR=Mauritania|MU=Mauritius|YT=Mayotte|MX=Mexico|"
    "MD=Moldova, Republic of|MC=Monaco|MN=Mongolia|ME=Montenegro|MS=Montserrat|MA=Morocco|"
    "MZ=Mozambique|MM=Myanmar|NA=Namibia|NR=Nauru|NP=Nepal|NL=Netherlands|NC=New Caledonia|"
    "NZ=New Zealand|NI=Nicaragua|NE=Niger|NG=Nigeria|NU=Niue|NF=Norfolk Island|MK=North Macedonia|"
    "NO=Norway|OM=Oman|PK=Pakistan|PS=Palestine|PA=Panama|PG=Papua New Guinea|PY=Paraguay|PE=Peru|"
    "PH=Philippines|PN=Pitcairn|PL=Poland|PT=Portugal|QA=Qatar|RE=Reunion|RO=Romania|"
    "RU=Russian Federation|RW=Rwanda|BL=Saint Barthélemy|"
    "SH=Saint Helena, Ascension and Tristan da Cunha|KN=Saint Kitts and Nevis|LC=Saint Lucia|"
    "MF=Saint Martin (French part)|PM=Saint Pierre and Miquelon|VC=Saint Vincent and the Grenadines|"
    "WS=Samoa|SM=San Marino|ST=Sao Tome and Principe|SA=Saudi Arabia|SN=Senegal|RS=Serbia|"
    "SC=Seychelles|SL=Sierra Leone|SG=Singapore|SX=Sint Maarten (Dutch part)|SK=Slovakia|SI=Slovenia|"
    "SB=Solomon Islands|SO=Somalia|ZA=South Africa|GS=South Georgia and the South Sandwich Islands|"
    "SS=South Sudan|ES=Spain|LK=Sri Lanka|SD=Sudan|SR=Suriname|SJ=Svalbard and Jan Mayen|SE=Sweden|"
    "CH=Switzerland|SY=Syrian Arab Republic|TW=Taiwan|TJ=Tajikistan|TZ=Tanzania, United Republic of|"
    "TH=Thailand|TL=Timor-Leste|TG=Togo|TK=Tokelau|TO=Tonga|TT=Trinidad and Tobago|TN=Tunisia|"
    "TR=Turkey|TM=Turkmenistan|TC=Turks and Caicos Islands|TV=Tuvalu|UG=Uganda|UA=Ukraine|"
    "AE=United Arab Emirates|GB=United Kingdom|US=United States|UY=Uruguay|UZ=Uzbekistan|VU=Vanuatu|"
    "VE=Venezuela, Bolivarian Republic of|VN=Vietnam|VG=Virgin Islands, British|WF=Wallis and Futuna|"
    "EH=Western Sahara|YE=Yemen|ZM=Zambia|ZW=Zimbabwe"
)

STATES: dict[str, dict[str, str]] = {
    "AU": _table(
        "ACT=Australian Capital Territory|NSW=New South Wales|NT=Northern Territory|QLD=Queensland|"
        "SA=South Australia|TAS=Tasmania|VIC=Victoria|WA=Western Australia"
    ),
    "BR": _table(
        "AC=Acre|AL=Alagoas|AP=Amapá|AM=Amazonas|BA=Bahia|CE=Ceará|DF=Distrito Federal|ES=Espírito Santo|"
        "GO=Goiás|MA=Maranhão|MT=Mato Grosso|MS=Mato Grosso do Sul|MG=Minas Gerais|PA=Pará|PB=Paraíba|"
        "PR=Paraná|PE=Pernambuco|PI=Piauí|RJ=Rio de Janeiro|RN=Rio Grande do Norte|RS=Rio Grande do Sul|"
        "RO=Rondônia|RR=Roraima|SC=Santa Catarina|SP=São Paulo|SE=Sergipe|TO=Tocantins"
    ),
    "CA": _table(
        "AB=Alberta|BC=British Columbia|MB=Manitoba|NB=New Brunswick|NL=Newfoundland and Labrador|"
        "NT=Northwest Territories|NS=Nova Scotia|NU=Nunavut|ON=Ontario|PE=Prince Edward Island|QC=Quebec|"
        "SK=Saskatchewan|YT=Yukon Territories"
    ),
    "CN": _table(
        "34=Anhui|11=Beijing|50=Chongqing|35=Fujian|62=Gansu|44=Guangdong|45=Guangxi|52=Guizhou|"
        "46=Hainan|13=Hebei|23=Heilongjiang|41=Henan|91=Hong Kong|42=Hubei|43=Hunan|32=Jiangsu|"
        "36=Jiangxi|22=Jilin|21=Liaoning|92=Macao|15=Nei Mongol|64=Ningxia|63=Qinghai|61=Shaanxi|"
        "37=Shandong|31=Shanghai|14=Shanxi|51=Sichuan|71=Taiwan|12=Tianjin|65=Xinjiang|54=Xizang|"
        "53=Yunnan|33=Zhejiang"
    ),
    "IE": _table(
        "CW=Carlow|CN=Cavan|CE=Clare|CO=Cork|DL=Donegal|D=Dublin|G=Galway|KY=Kerry|KE=Kildare|"
        "KK=Kilkenny|LS=Laois|LM=Leitrim|LK=Limerick|LD=Longford|LH=Louth|MO=Mayo|MH=Meath|MN=Monaghan|"
        "OY=Offaly|RN=Roscommon|SO=Sligo|TA=Tipperary|WD=Waterford|WH=Westmeath|WX=Wexford|WW=Wicklow"
    ),
    "IN": _table(
        "AN=Andaman and Nicobar Islands|AP=Andhra Pradesh|AR=Arunachal Pradesh|AS=Assam|BR=Bihar|"
        "CH=Chandigarh|CT=Chhattisgarh|DN=Dadra and Nagar Haveli|DD=Daman and Diu|DL=Delhi|GA=Goa|"
        "GJ=Gujarat|HR=Haryana|HP=Himachal Pradesh|JK=Jammu and Kashmir|JH=Jharkhand|KA=Karnataka|"
        "KL=Kerala|LD=Lakshadweep|MP=Madhya Pradesh|MH=Maharashtra|MN=Manipur|ML=Meghalaya|MZ=Mizoram|"
        "NL=Nagaland|OR=Odisha|PY=Puducherry|PB=Punjab|RJ=Rajasthan|SK=Sikkim|TN=Tamil Nadu|TG=Telangana|"
        "TR=Tripura|UP=Uttar Pradesh|UT=Uttarakhand|WB=West Bengal"
    ),
    "IT": _table(
        "AG=Agrigento|AL=Alessandria|AN=Ancona|AO=Aosta|AR=Arezzo|AP=Ascoli Piceno|AT=Asti|AV=Avellino|"
        "BA=Bari|BT=Barletta-Andria-Trani|BL=Belluno|BN=Benevento|BG=Bergamo|BI=Biella|BO=Bologna|"
        "BZ=Bolzano|BS=Brescia|BR=Brindisi|CA=Cagliari|CL=Caltanissetta|CB=Campobasso|CE=Caserta|"
        "CT=Catania|CZ=Catanzaro|CH=Chieti|CO=Como|CS=Cosenza|CR=Cremona|KR=Crotone|CN=Cuneo|EN=Enna|"
        "FM=Fermo|FE=Ferrara|FI=Firenze|FG=Foggia|FC=Forlì-Cesena|FR=Frosinone|GE=Genova|GO=Gorizia|"
        "GR=Grosseto|IM=Imperia|IS=Isernia|AQ=L'Aquila|SP=La Spezia|LT=Latina|LE=Lecce|LC=Lecco|"
        "LI=Livorno|LO=Lodi|LU=Lucca|MC=Macerata|MN=Mantova|MS=Massa-Carrara|MT=Matera|ME=Messina|"
        "MI=Milano|MO=Modena|MB=Monza e Brianza|NA=Napoli|NO=Novara|NU=Nuoro|OR=Oristano|PD=Padova|"
        "PA=Palermo|PR=Parma|PV=Pavia|PG=Perugia|PU=Pesaro e Urbino|PE=Pescara|PC=Piacenza|PI=Pisa|"
        "PT=Pistoia|PN=Pordenone|PZ=Potenza|PO=Prato|RG=Ragusa|RA=Ravenna|RC=Reggio Calabria|"
        "RE=Reggio Emilia|RI=Rieti|RN=Rimini|RM=Roma|RO=Rovigo|SA=Salerno|SS=Sassari|SV=Savona|SI=Siena|"
        "SR=Siracusa|SO=Sondrio|SU=Sud Sardegna|TA=Taranto|TE=Teramo|TR=Terni|TO=Torino|TP=Trapani|"
        "TN=Trento|TV=Treviso|TS=Trieste|UD=Udine|VA=Varese|VE=Venezia|VB=Verbano-Cusio-Ossola|"
        "VC=Vercelli|VR=Verona|VV=Vibo Valentia|VI=Vicenza|VT=Viterbo"
    ),
    "JP": _table(
        "01=Hokkaido|02=Aomori|03=Iwate|04=Miyagi|05=Akita|06=Yamagata|07=Fukushima|08=Ibaraki|"
        "09=Tochigi|10=Gunma|11=Saitama|12=Chiba|13=Tokyo|14=Kanagawa|15=Niigata|16=Toyama|17=Ishikawa|"
        "18=Fukui|19=Yamanashi|20=Nagano|21=Gifu|22=Shizuoka|23=Aichi|24=Mie|25=Shiga|26=Kyoto|27=Osaka|"
        "28=Hyogo|29=Nara|30=Wakayama|31=Tottori|32=Shimane|33=Okayama|34=Hiroshima|35=Yamaguchi|"
        "36=Tokushima|37=Kagawa|38=Ehime|39=Kochi|40=Fukuoka|41=Saga|42=Nagasaki|43=Kumamoto|44=Oita|"
        "45=Miyazaki|46=Kagoshima|47=Okinawa"
    ),
    "MX": _table(
        "AG=Aguascalientes|BC=Baja California|BS=Baja California Sur|CM=Campeche|CS=Chiapas|CH=Chihuahua|"
        "CO=Coahuila|CL=Colima|DG=Durango|DF=Federal District|GT=Guanajuato|GR=Guerrero|HG=Hidalgo|"
        "JA=Jalisco|ME=Mexico State|MI=Michoacán|MO=Morelos|NA=Nayarit|NL=Nuevo León|OA=Oaxaca|PB=Puebla|"
        "QE=Querétaro|QR=Quintana Roo|SL=San Luis Potosí|SI=Sinaloa|SO=Sonora|TB=Tabasco|TM=Tamaulipas|"
        "TL=Tlaxcala|VE=Veracruz|YU=Yucatán|ZA=Zacatecas"
    ),
    "US": _table(
        "AL=Alabama|AK=Alaska|AS=American Samoa|AZ=Arizona|AR=Arkansas|AA=Armed Forces Americas|"
        "AE=Armed Forces Europe|AP=Armed Forces Pacific|CA=California|CO=Colorado|CT=Connecticut|"
        "DE=Delaware|DC=District of Columbia|FM=Federated Micronesia|FL=Florida|GA=Georgia|GU=Guam|"
        "HI=Hawaii|ID=Idaho|IL=Illinois|IN=Indiana|IA=Iowa|KS=Kansas|KY=Kentucky|LA=Louisiana|ME=Maine|"
        "MH=Marshall Islands|MD=Maryland|MA=Massachusetts|MI=Michigan|MN=Minnesota|MS=Mississippi|"
        "MO=Missouri|MT=Montana|NE=Nebraska|NV=Nevada|NH=New Hampshire|NJ=New Jersey|NM=New Mexico|"
        "NY=New York|NC=North Carolina|ND=North Dakota|MP=Northern Mariana Islands|OH=Ohio|OK=Oklahoma|"
        "OR=Oregon|PW=Palau|PA=Pennsylvania|PR=Puerto Rico|RI=Rhode Island|SC=South Carolina|"
        "SD=South Dakota|TN=Tennessee|TX=Texas|UM=United States Minor Outlying Islands|"
        "VI=US Virgin Islands|UT=Utah|VT=Vermont|VA=Virginia|WA=Washington|WV=West Virginia|WI=Wisconsin|"
        "WY=Wyoming"
    ),
}
