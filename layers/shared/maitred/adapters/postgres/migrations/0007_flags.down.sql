alter table booking_assignment_attempts drop column flags;
