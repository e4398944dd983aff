-- Why a campaign dials so, in the second language too. Decisions are kept for a day: those from before
-- are told in English.

alter table decision add column reason_ru text not null default '';
