-- Currencies and their number of decimal places. All amounts are integers in
-- the currency's minor unit: 1050 is 10.50 USD, 1050 JPY, or 1.050 KWD.
--
-- The table is filled from ISO 4217, with the active codes that have a minor
-- unit (precious metals, XDR and the test codes have none). An operator may add
-- codes. The exponent of a currency must never change once an account uses it.
-- kedge: formerly 0954402f9893b74a36a4b07642db58677b94059286026632e66394ac33f8d30c

CREATE TABLE currency (
	code text PRIMARY KEY CHECK (code ~ '^[A-Z][A-Z0-9]{2,11}$'),
	exponent smallint NOT NULL CHECK (exponent BETWEEN 0 AND 18),
	iso boolean NOT NULL DEFAULT false
);

INSERT INTO currency (code, exponent, iso)
SELECT code, exponent, true
FROM (VALUES
	(0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF
		XPF'),
	(2, 'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB
		BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC
		CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP
		GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW
		KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR
		MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
		PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD
		SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN
		UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG'),
	(3, 'BHD IQD JOD KWD LYD OMR TND'),
	(4, 'CLF UYW')
) AS seed (exponent, codes),
	regexp_split_to_table(codes, '\s+') AS code;

GRANT SELECT ON currency TO wallet;
