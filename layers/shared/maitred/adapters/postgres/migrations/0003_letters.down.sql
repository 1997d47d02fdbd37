drop view booking_register;
alter table restaurants drop column locale, drop column contact_email;
