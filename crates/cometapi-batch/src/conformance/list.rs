//! Every rule with the sentence that it checks.

use crate::conformance::rule::Rule;
use crate::conformance::{
    batches, changes, claims, commits, in_flight, keys, life, loads, marks, money, names, pages,
    reads, retries,
};

macro_rules! rule {
    ($group:ident::$name:ident, $text:literal) => {
        Rule {
            name: stringify!($name),
            text: $text,
            check: |harness| Box::pin($group::$name(harness)),
        }
    };
}

pub(super) const RULES: &[Rule] = &[
    rule!(
        commits::a_result_is_seen_by_others_at_once,
        "when a future is ready, every process sees what it did"
    ),
    rule!(
        commits::a_result_survives_the_process,
        "when a future is ready, what it did survives the end of the process"
    ),
    rule!(
        commits::record_is_done_although_its_future_is_dropped,
        "a mark is asked for by the call, and recorded even if the future is dropped at once"
    ),
    rule!(
        commits::marks_are_recorded_in_the_order_of_the_calls,
        "marks are recorded in the order of the calls, in whichever order they are awaited"
    ),
    rule!(
        commits::retire_is_done_although_its_future_is_dropped,
        "a worker is retired by the call, after the marks that were asked for before"
    ),
    rule!(
        claims::no_prediction_is_held_by_two_workers,
        "no prediction is ever held by two workers, even when both claim at the same moment"
    ),
    rule!(
        claims::record_compares_the_worker,
        "a mark of a worker that does not hold the prediction is refused as Lost, and changes nothing"
    ),
    rule!(
        claims::a_claim_begins_with_what_has_an_id,
        "a claim takes first what has an id, then what is to be created"
    ),
    rule!(
        claims::a_claim_takes_no_more_than_is_asked_for,
        "a claim takes no more in all and no more to create than is asked for, and none to create \
         without a load"
    ),
    rule!(
        claims::a_claim_that_was_dropped_is_freed_with_its_worker,
        "what a claim took whose future was dropped is free when its worker is retired"
    ),
    rule!(
        claims::what_a_worker_released_it_does_not_claim_again,
        "a worker does not claim what it has released; another can"
    ),
    rule!(
        claims::predictions_of_another_service_are_not_taken,
        "a worker takes nothing that was sent to another service"
    ),
    rule!(
        claims::what_no_living_worker_holds_can_be_adopted,
        "a prediction that runs can be adopted by its id unless a living worker holds it"
    ),
    rule!(
        claims::a_final_end_is_not_adopted,
        "a prediction that has ended is adopted only if following it may still save its files"
    ),
    rule!(
        life::a_silent_worker_keeps_what_it_holds,
        "a worker that lives keeps what it holds, however long it is silent"
    ),
    rule!(
        life::what_an_ended_worker_held_is_free_at_once,
        "what a worker held is free as soon as its process has ended, and what it was sending is \
         unresolved"
    ),
    rule!(
        life::what_is_not_sent_when_its_worker_ends_was_not_created,
        "a prediction that was not sent when its worker ended may be sent again under its key, and has \
         ended without one"
    ),
    rule!(
        life::an_ended_worker_is_noticed_by_each_call_that_takes,
        "claim, adopt, begin and load first release what ended workers held"
    ),
    rule!(
        life::a_retired_worker_takes_nothing,
        "a worker that was retired can claim, adopt and begin nothing; retiring it again does nothing"
    ),
    rule!(
        life::late_marks_are_refused,
        "a mark of a worker that was retired is refused as Lost"
    ),
    rule!(
        life::an_id_that_comes_late_is_kept,
        "the id of an unresolved prediction is recorded, although its worker was retired meanwhile"
    ),
    rule!(
        life::what_is_released_while_it_is_sent_is_unresolved,
        "a prediction that is released while it is being sent is unresolved"
    ),
    rule!(
        marks::an_id_is_of_one_prediction_of_a_service,
        "an id that another prediction of the same service has is refused as TakenId, and changes \
         nothing"
    ),
    rule!(
        marks::what_was_not_sent_is_still_held,
        "a prediction that was not sent is planned and still held"
    ),
    rule!(
        marks::no_end_is_overwritten,
        "a prediction that is over is held by no worker, so no mark changes it"
    ),
    rule!(
        keys::calls_without_a_key_are_predictions_of_their_own,
        "without a key each call of begin is a prediction of its own"
    ),
    rule!(
        keys::a_key_is_sent_once,
        "two calls of begin with one key never both get Send, whichever processes make them"
    ),
    rule!(
        keys::a_key_that_a_living_worker_holds_is_held,
        "a key whose prediction a living worker holds is Held"
    ),
    rule!(
        keys::a_key_is_followed_when_its_worker_has_ended,
        "a key whose prediction was created and is held by no worker is Follow"
    ),
    rule!(
        keys::a_key_is_followed_to_files_that_may_be_there,
        "a key whose prediction was created and whose files may still be there is Follow"
    ),
    rule!(
        keys::a_key_that_is_over_returns_its_last_result,
        "a key whose prediction is over is Over, with the last Mark::Result"
    ),
    rule!(
        keys::a_key_is_unresolved_when_its_worker_ended_while_sending,
        "a key whose worker ended while it was sending is Over and unresolved, and is not sent again"
    ),
    rule!(
        keys::an_unresolved_key_is_superseded_only_when_asked,
        "an unresolved key is sent again with Intent::retry_unresolved alone, and its record is kept"
    ),
    rule!(
        keys::a_key_with_another_input_or_service_is_refused,
        "a key of another model, input or service is refused as KeyReused, and changes nothing"
    ),
    rule!(
        keys::a_key_whose_request_had_no_effect_is_sent_again,
        "a key whose request had no effect is sent again, also with another input, once no worker \
         holds it"
    ),
    rule!(
        keys::a_key_is_never_pruned,
        "a prediction with a key is never pruned"
    ),
    rule!(
        loads::nothing_is_recorded_before_a_load,
        "rows that were added and not loaded are not recorded"
    ),
    rule!(
        loads::a_row_is_one_prediction_in_every_load,
        "a row of a batch is the same prediction in every load, wherever it stands"
    ),
    rule!(
        loads::a_loader_can_load_again,
        "a loader that loads again records what was added since, and decides on the rest anew"
    ),
    rule!(
        loads::a_dropped_loader_gives_no_rows,
        "no row can be claimed by a loader that was dropped; what it has recorded stays"
    ),
    rule!(
        loads::a_load_that_is_dropped_records_all_rows_or_none,
        "a load whose future is dropped records all rows or none"
    ),
    rule!(
        loads::a_repeated_id_is_returned_and_not_added,
        "a row whose id an earlier row has, ignoring case, is returned and not added"
    ),
    rule!(
        loads::a_row_that_was_sent_does_not_change,
        "a row that may have been created and has another input is refused or skipped"
    ),
    rule!(
        loads::a_dry_load_changes_nothing,
        "a dry load says how the rows stand and changes nothing"
    ),
    rule!(
        loads::equal_rows_are_numbered_in_order,
        "equal rows without ids are numbered in the order in which they were added"
    ),
    rule!(
        loads::the_tally_counts_each_state,
        "the tally counts the rows of a load by their state, and failed ones by their error"
    ),
    rule!(
        loads::the_rows_of_a_model_that_is_not_offered_end_together,
        "refuse_model ends the rows of the model that were never created, as many as asked for at once"
    ),
    rule!(
        batches::batches_are_returned_in_the_order_of_their_begin,
        "batches are returned in the order in which they began"
    ),
    rule!(
        batches::the_same_rows_of_two_batches_are_not_one,
        "equal rows of two batches are two predictions, also in one folder"
    ),
    rule!(
        batches::a_batch_keeps_its_rows_when_its_folder_moves,
        "a batch whose folder is another keeps its rows, and relative paths are joined with the new \
         folder"
    ),
    rule!(
        batches::a_batch_stays_at_its_service,
        "a batch at another service than where it began is refused as Folder, and changes nothing"
    ),
    rule!(
        retries::a_failed_row_is_created_again_only_when_asked,
        "failed and unresolved rows are created again only when asked, and their records are kept"
    ),
    rule!(
        retries::only_what_was_provably_not_created_is_planned_again,
        "only a row that was provably not created is planned again without being asked"
    ),
    rule!(
        retries::files_that_may_be_there_are_followed_before_they_are_paid_for_again,
        "a row whose files may still be there is followed by its id before it is created again"
    ),
    rule!(
        retries::a_success_is_followed_if_a_file_is_missing,
        "a success is followed if a file that was saved is missing or has another size"
    ),
    rule!(
        retries::the_end_of_a_success_stays,
        "a success keeps the time of its end when it is followed for its files; another end is replaced"
    ),
    rule!(
        changes::the_labels_of_the_latest_load_count,
        "each load gives its rows the labels that they have now; a dry one does not"
    ),
    rule!(
        changes::an_update_creates_changed_rows_anew,
        "an update supersedes changed rows that may have been created and have ended, and keeps their files"
    ),
    rule!(
        changes::an_update_leaves_what_runs_until_its_end,
        "an update leaves a changed row that runs as it is until its end, and a later load supersedes it"
    ),
    rule!(
        names::a_name_is_of_one_file_of_a_batch,
        "the first name is reserved that no other file of the batch has, ignoring case"
    ),
    rule!(
        names::a_reserved_name_stays,
        "the name that was reserved for a file is returned again, whatever is asked for and by whom"
    ),
    rule!(
        names::only_the_worker_of_a_prediction_reserves_its_names,
        "a name for a prediction that the worker does not hold is refused as Lost"
    ),
    rule!(
        names::names_are_reserved_within_a_batch,
        "a name in another batch is free, and for a single prediction nothing is recorded"
    ),
    rule!(
        names::a_row_that_was_not_created_gives_its_names_back,
        "the names of a row that was provably not created are free when it is planned again"
    ),
    rule!(
        names::where_the_files_of_a_single_prediction_go_is_kept,
        "the folder and the names of an intent are in its job and its entry; the latest call decides"
    ),
    rule!(
        names::the_latest_names_of_a_batch_count,
        "the names of the latest load are in the jobs and entries of the batch"
    ),
    rule!(
        reads::lists_are_paged_newest_first,
        "a list has the newest first, and goes on with Filter::before"
    ),
    rule!(
        reads::lists_are_filtered,
        "a list has what fits every part of its filter"
    ),
    rule!(
        pages::lists_after_a_number_are_paged_oldest_first,
        "a list after a number has the oldest first, and goes on with Filter::after"
    ),
    rule!(
        pages::a_list_of_a_load_has_its_rows,
        "a list of a load has its rows as they stand, in the process that loads them"
    ),
    rule!(
        pages::a_file_leads_to_its_prediction,
        "a list by a file has the prediction that saved it, also where the batch has moved"
    ),
    rule!(
        claims::a_pause_is_kept_by_every_process_at_the_service,
        "a claim says how much longer create requests at its service are paused, whichever process paused \
         them; the longest pause counts"
    ),
    rule!(
        reads::the_latest_durations_of_a_model_are_kept,
        "durations are of the latest predictions of each model at the service, each counted once"
    ),
    rule!(
        reads::only_ended_predictions_without_a_batch_or_a_key_are_pruned,
        "pruning removes what ended before the time, and is of no batch and no key"
    ),
    rule!(
        in_flight::workers_do_not_have_too_many_in_flight_together,
        "no claims together create more than may be in flight, in whichever processes; a claim that is held \
         back so says how many are"
    ),
    rule!(
        in_flight::what_is_not_at_the_service_is_not_in_flight,
        "in flight is what a worker has claimed to create, sends or waits for at the same service, until it \
         has ended"
    ),
    rule!(
        in_flight::what_has_an_id_is_taken_beyond_what_may_be_in_flight,
        "what has an id is taken however much is in flight"
    ),
    rule!(
        money::workers_do_not_exceed_the_limit_together,
        "what all workers on a batch claim never costs more than its limit, in whichever processes they are"
    ),
    rule!(
        money::what_does_not_fit_is_passed_over,
        "a claim within a limit passes over what does not fit, and takes what does"
    ),
    rule!(
        money::what_was_not_charged_makes_room,
        "a prediction that failed, was refused or was released makes room within the limit; an unresolved one does not"
    ),
    rule!(
        money::what_was_spent_counts_in_later_runs,
        "what a batch has spent counts in later runs, also after the process has died"
    ),
    rule!(
        money::a_row_without_a_price_is_not_claimed_within_a_limit,
        "a row without a price is not claimed within a limit, and a load gives prices to what has none"
    ),
    rule!(
        money::a_load_says_what_is_to_be_created,
        "a load says how many predictions and files of each model are to be created"
    ),
    rule!(
        money::costs_are_summed_by_model,
        "costs are summed by model: what was charged, what is expected, and what is not known"
    ),
    rule!(
        money::a_charge_counts_more_than_the_price,
        "a charge counts more than the price and the end, and belongs to an id at one service"
    ),
    rule!(
        money::a_key_has_a_limit_of_its_own,
        "all predictions of a key cost no more than its limit; what would is refused as MaxCost, and changes nothing"
    ),
    rule!(
        money::only_a_doubt_is_settled_as_not_created,
        "only an unresolved prediction without an id can be recorded as not created"
    ),
];
