-- What the other files stand on, for one tenant and gone with the connection. Everything follows
-- from numbers: the same n and salt give the same in every run and every database.

-- A number below `modulus`.
CREATE OR REPLACE FUNCTION pg_temp.h(n bigint, salt bigint, modulus bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint8extended(n + {base}, salt) & 9223372036854775807) % modulus $$;

-- Between 0 and 1.
CREATE OR REPLACE FUNCTION pg_temp.u(n bigint, salt bigint) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint8extended(n + {base}, salt) & 16777215) / 16777216.0::float8 $$;

CREATE OR REPLACE FUNCTION pg_temp.pick(words text[], n bigint, salt bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT words[1 + ((hashint8extended(n + {base}, salt) & 9223372036854775807) % cardinality(words))::int] $$;

-- Moments are counted in milliseconds, as ids have them: so the order of ids is that of creation.
CREATE OR REPLACE FUNCTION pg_temp.at(ms bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$ SELECT timestamptz 'epoch' + ms * interval '1 millisecond' $$;

-- A UUIDv7 at a moment; the rest of it follows from what it is the id of.
CREATE OR REPLACE FUNCTION pg_temp.id(ms bigint, what text, n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex(ms), 12, '0')
    || overlay(overlay(left(md5('{slug} ' || what || n), 20) PLACING '7' FROM 1) PLACING '8' FROM 5))::uuid $$;

-- The company that the n-th contact or deal is with: every tenth company has half of them, and of
-- those every other one goes to these in turn, so that each has some.
CREATE OR REPLACE FUNCTION pg_temp.company_of(n bigint, salt bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE n % 4
    WHEN 0 THEN 10 * (1 + n / 4 % ({companies} / 10))
    WHEN 2 THEN 10 * (1 + pg_temp.h(n, salt, {companies} / 10))
    ELSE 1 + pg_temp.h(n, salt, {companies} / 10 * 9) * 10 / 9 END $$;

CREATE OR REPLACE FUNCTION pg_temp.first_name(n bigint, salt bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_temp.pick('{Ada,Aino,Amir,Anna,Bea,Ben,Carl,Clara,Dana,David,Elif,Emil,Eva,Femi,Fia,Greta,Gus,Hana,Hugo,Ines,Ivo,Jonas,Jule,Kai,Kaya,Lea,Leo,Liam,Lucia,Mara,Max,Mina,Nils,Noa,Nora,Olga,Otto,Pia,Paul,Rene,Rosa,Sam,Sara,Tom,Uma,Vera,Will,Yara,Zoe,Zora}', n, salt) $$;

CREATE OR REPLACE FUNCTION pg_temp.last_name(n bigint, salt bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_temp.pick('{Abel,Adler,Bauer,Becker,Berg,Brandt,Bruno,Costa,Cruz,Dahl,Diaz,Duarte,Engel,Eriksen,Farkas,Fischer,Fontana,Fuchs,Garcia,Gomez,Gruber,Haas,Hahn,Hansen,Hoffmann,Ibsen,Ivanov,Jansen,Jung,Keller,Klein,Kovacs,Lang,Larsen,Lehmann,Lindgren,Lopez,Maier,Marino,Martin,Meier,Moreau,Nielsen,Novak,Olsen,Petit,Pohl,Quist,Reyes,Ricci,Rossi,Schmidt,Silva,Sousa,Svensson,Toth,Unger,Vogel,Wagner,Weber,Winter,Yilmaz,Zeman,Ziegler}', n, salt) $$;

-- 64 × 64 × 8 names, each once: 7919 has no divisor in common with their number.
CREATE OR REPLACE FUNCTION pg_temp.company_name(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT ('{Alder,Amber,Anchor,Arctic,Aspen,Atlas,Aurora,Basalt,Beacon,Birch,Bluefin,Bramble,Canyon,Cedar,Cobalt,Copper,Coral,Crescent,Cypress,Delta,Ember,Falcon,Fjord,Forge,Garnet,Glacier,Granite,Harbor,Hazel,Heron,Hollow,Iron,Ivory,Juniper,Keystone,Lark,Linden,Lumen,Maple,Meridian,Mistral,Nimbus,Northern,Oakridge,Onyx,Orchid,Osprey,Pioneer,Quartz,Raven,Redwood,Sable,Silver,Solstice,Summit,Tamarack,Thistle,Tidal,Umber,Vertex,Willow,Windmill,Wren,Zephyr}'::text[])
      [1 + ((n * 7919 + {base}) % 64)::int]
    || ' ' || ('{Aerospace,Analytics,Architects,Automation,Bakeries,Beverages,Biotech,Brewing,Builders,Capital,Ceramics,Chemicals,Clinics,Cloud,Consulting,Dairy,Dynamics,Electric,Energy,Farms,Fashion,Films,Foods,Freight,Furniture,Games,Glass,Health,Hotels,Imaging,Insurance,Labs,Legal,Logistics,Machines,Marine,Media,Metals,Mining,Motors,Networks,Optics,Outdoor,Paper,Pharma,Plastics,Power,Press,Rail,Robotics,Security,Software,Solar,Steel,Studios,Systems,Telecom,Textiles,Tools,Toys,Travel,Water,Windows,Works}'::text[])
      [1 + ((n * 7919 + {base}) / 64 % 64)::int]
    || ' ' || ('{AB,AG,BV,GmbH,Group,Inc,Ltd,SA}'::text[])[1 + ((n * 7919 + {base}) / 4096 % 8)::int] $$;
