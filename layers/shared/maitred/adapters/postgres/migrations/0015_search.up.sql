-- What a list of bookings can be asked for: what has changed since, and whose guest it is.

create index bookings_by_change on bookings (restaurant_id, updated_at, id);

-- A booking as everybody reads it, with when it last changed. A view of its own, as the release before reads
-- `booking_sheet` by position.
create view booking_card as
select b.id, b.reference, b.restaurant_id, b.state, b.version, b.request_version, b.party_size, b.start_at, b.end_at,
       b.duration_minutes, b.service_id, b.service_date, b.pinned, b.guest, b.preferences, b.notes,
       b.auto_assign_last_result, b.created_at, r.timezone, seats.tables, seats.zone, b.lease_token, b.lease_until,
       mail.queued is not null as confirmation_queued, r.locale, b.arrived_at, b.seated_at, b.completed_at,
       r.late_minutes, seats.at_risk_since, b.updated_at
from bookings b
join restaurants r on r.id = b.restaurant_id
left join lateral (
    select array_agg(a.table_id order by a.table_id collate "C") as tables, min(t.zone) as zone,
           min(a.at_risk_since) as at_risk_since
    from allocations a
    join layout_tables t using (restaurant_id, layout_version, table_id)
    where a.booking_id = b.id and a.live
) seats on true
left join lateral (  -- bounded, because an `exists` would be answered by reading all notifications into a hash
    select true as queued from notifications n
    where n.booking_id = b.id and n.kind = 'confirmed' and n.request_version = b.request_version
    limit 1
) mail on true;

-- A text as it is searched for: without case, accents, other marks on letters (of Hebrew and Arabic, too) and joiners.
-- By Unicode's own rules, which are the same on every machine; to them a stroke through a letter is no accent.
create function search_fold(given text) returns text language plpgsql immutable strict parallel safe as $$
begin
    if given ~ '^[ -~]*$' then
        return lower(given);
    end if;
    return translate(
        replace(replace(replace(
            regexp_replace(normalize(casefold(normalize(given, NFKD) collate pg_unicode_fast), NFKD),
                           '[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u200b-\u200d]', '', 'g'),
            'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
        'øłđðħŧı', 'olddhti');
end $$;

-- The words of a folded text, each after one space. White space and punctuation end a word.
create function search_words(folded text) returns text language plpgsql immutable strict parallel safe as $$
begin
    return ' ' || btrim(regexp_replace(folded, '[\s!-/:-@\[-`{-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g'));
end $$;

-- The words of a name; of O'Brien also what people write who leave the apostrophe out.
create function search_name(name text) returns text language plpgsql immutable strict parallel safe as $$
declare
    folded text := public.search_fold(name);
begin
    if folded ~ '[''\u2019\u02bc]' then
        return public.search_words(folded) || public.search_words(translate(folded, U&'''\2019\02bc', ''));
    end if;
    return public.search_words(folded);
end $$;

create function search_digits(phone text) returns text language plpgsql immutable strict parallel safe as $$
begin
    return regexp_replace(normalize(phone, NFKD), '[^0-9]+', '', 'g');
end $$;

-- What the index has of a booking's guest: the words of the name, and each run of three characters of the phone's
-- digits and of the mail, shorter at the end. The restaurant is part of every term, so that its guests are found
-- without reading anybody else's.
create function search_terms(restaurant_id text, guest jsonb) returns tsvector
language plpgsql immutable parallel safe cost 2000 as $$
declare
    terms text[] := '{}';
    word text;
    digits text := public.search_digits(guest ->> 'phone');
    mail text := public.search_fold(guest ->> 'email');
begin
    foreach word in array coalesce(string_to_array(public.search_name(guest ->> 'name'), ' '), '{}') loop
        if word <> '' then
            terms := terms || (restaurant_id || '/n/' || left(word, 40));
        end if;
    end loop;
    for i in 1 .. coalesce(length(digits), 0) loop
        terms := terms || (restaurant_id || '/p/' || substr(digits, i, 3));
    end loop;
    for i in 1 .. coalesce(length(mail), 0) loop
        terms := terms || (restaurant_id || '/m/' || substr(mail, i, 3));
    end loop;
    return array_to_tsvector(terms);
end $$;

create index bookings_by_guest on bookings using gin (search_terms(restaurant_id, guest));

-- What is searched for, in parts that must all be found: a phone number however it is written, or else each word.
-- `words`: as a name would have them; beside such words, punctuation alone counts for nothing. `digits`: null unless the
-- part may be of a phone number.
create function search_parts(wanted text) returns table (part text, words text, digits text)
language sql immutable strict parallel safe as $$
    select p.part, p.words, case when p.part ~ '^[0-9()+./\s-]+$' then nullif(public.search_digits(p.part), '') end
    from (
        select s.part, nullif(public.search_words(s.part), ' ') as words,
               count(nullif(public.search_words(s.part), ' ')) over () as worded
        from (select regexp_replace(public.search_fold(wanted), '^\s+|\s+$', '', 'g') as folded) w
        cross join lateral unnest(
            case when w.folded ~ '^[0-9()+./\s-]*$' then array[w.folded] else regexp_split_to_array(w.folded, '\s+') end
        ) s (part)
    ) p
    where p.part <> '' and (p.words is not null or p.worded = 0)
$$;

create function search_lexeme(term text) returns text language sql immutable strict parallel safe as $$
    select '''' || replace(replace(term, '\', '\\'), '''', '''''') || ''''
$$;

-- The terms of a text that may stand anywhere inside another one.
create function search_inside(kind text, wanted text) returns text language sql immutable strict parallel safe as $$
    select case when length(wanted) < 3 then public.search_lexeme(kind || wanted) || ':*' else (
        select '(' || string_agg(public.search_lexeme(kind || substr(wanted, i, 3)), ' & ') || ')'
        from generate_series(1, length(wanted) - 2) i) end
$$;

-- The question to the index, which finds all who match, and perhaps a few more. Null: nobody can match.
create function search_query(restaurant_id text, wanted text) returns tsquery
language sql immutable strict parallel safe as $$
    select string_agg('(' || concat_ws(' | ',
               public.search_inside(restaurant_id || '/m/', p.part),
               public.search_inside(restaurant_id || '/p/', p.digits),
               (select '(' || string_agg(public.search_lexeme(restaurant_id || '/n/' || left(word, 40)) || ':*', ' & ')
                       || ')'
                from string_to_table(btrim(p.words), ' ') word)) || ')', ' & ')::tsquery
    from public.search_parts(wanted) p
$$;

-- Does the guest match this part?
create function search_has(guest jsonb, part text, words text, digits text) returns boolean
language plpgsql immutable parallel safe as $$
begin
    return coalesce(strpos(public.search_fold(guest ->> 'email'), part) > 0, false)
        or coalesce(strpos(public.search_name(guest ->> 'name'), words) > 0, false)
        or coalesce(strpos(public.search_digits(guest ->> 'phone'), digits) > 0, false);
end $$;
