-- The changes of a restaurant's bookings, in the order of its commits. A trigger records them (migration 0013).

-- name: read_changes
-- One row for each change after a position; a row without a change if there is none, and no row without a restaurant.
select c.position, c.type, c.at, c.booking
from restaurants r
left join lateral (
    select * from booking_changes b
    where b.restaurant_id = r.id and b.position > %(after)s
    order by b.position
    limit %(limit)s) c on true
where r.id = %(restaurant_id)s
order by c.position
