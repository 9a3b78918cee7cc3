//! The driver of all planners: a first answer, then better ones for as long as that is asked for. What differs
//! between robots is left to their family of motions ([`Family`]); budgets, proofs and the best answer so far are
//! kept here.

use super::lower_bound::least_duration;
use super::termination::{Improve, Race};
use super::worker::Worker;
use super::{Budget, Gap, Halt, PlanOptions, Progress, Quality, Solution, Statistics, Termination};
use crate::certify::{Certificate, Violation};
use crate::check::CheckError;
use crate::stop::Stop;
use crate::trajectory::Trajectory;
use std::time::{Duration, Instant};

/// A search for a better answer may take so many times the samples that the first answer took, ...
pub(super) const PATIENCE: u64 = 3;

/// ... and so many more.
pub(super) const GRACE: u64 = 200;

/// Both together.
pub(super) fn patience(samples: u64) -> u64 {
    samples.saturating_mul(PATIENCE).saturating_add(GRACE)
}

/// Share of the time left that making a trajectory of a path may take: the rest is kept for its proof.
const REFINING: f64 = 0.5;

/// Polishing moves between two certificates.
const MOVES_PER_PROOF: u32 = 150;

/// What is to become better than the best answer is polished on while it lacks no more than so many times what it gained
/// last: gains shrink by about a third each time.
const PROMISING: f64 = 3.0;

/// No answer costs less than one that exceeds the least by no more than this share: what rounding may take.
const SHORTEST: f64 = 1e-9;

/// What a family of robots brings to a query: how its paths are found, and what trajectories are made of them.
pub(super) trait Family<'a> {
    /// What its searches find.
    type Path;

    /// Whether [`Family::shorten`] does anything: then an answer need not be shorter than the best before that.
    const SHORTENS: bool = false;

    /// Whether [`Family::shorter`] does anything: then what a search finds need not be better than the best at once.
    const MAKES_SHORTER: bool = false;

    /// What it works with.
    fn worker(&mut self) -> &mut Worker<'a>;

    /// Asks the checker for the greatest clearance that the ends have.
    fn ask_for_clearance(&mut self) -> Result<(), CheckError>;

    /// Paths, the most promising first, by searches of seeds of their own; none where what was found is of no use.
    /// `best` is the answer that is to be bettered, if there is one.
    fn search(
        &mut self,
        best: Option<&Answer>,
        termination: &Termination<'_>,
    ) -> Result<Vec<Self::Path>, Halt>;

    /// Samples that a search for a better answer may take where the first answer took so many.
    fn patience(&self, samples: u64) -> u64 {
        patience(samples)
    }

    /// How long a trajectory along a path is going to take, seconds, as far as that can be told: no less than so
    /// where it is to be tried in place of a better one.
    fn estimate(&self, _path: &Self::Path) -> f64 {
        0.0
    }

    /// How long a path took before it was refined, seconds.
    fn raw_duration(&self, path: &Self::Path) -> f64;

    /// A trajectory along a path: refined, and timed. After attempts that could not be certified there may be others.
    fn trajectory(&mut self, path: &mut Self::Path, attempt: u32, stop: &Stop)
    -> Result<Attempt, CheckError>;

    /// Trajectories that are shorter than a certified one, the shortest first, valid as far as the checker tells.
    fn shorten(&mut self, _answer: &Answer, _stop: &Stop) -> Result<Vec<Trajectory>, CheckError> {
        Ok(Vec::new())
    }

    /// The trajectory that was made last is the best answer now.
    fn keep(&mut self) {}

    /// A trajectory after so many moves that shorten it, if this family knows any for whatever trajectory.
    fn shorter(&mut self, _trajectory: &Trajectory, _moves: u32) -> Result<Option<Trajectory>, CheckError> {
        Ok(None)
    }

    /// The best answer after so many moves that shorten it, if this family knows any.
    fn polish(&mut self, best: &Answer, moves: u32) -> Result<Option<Trajectory>, CheckError> {
        self.shorter(&best.trajectory, moves)
    }
}

/// What an attempt at a trajectory comes to.
pub(super) enum Attempt {
    /// One that is to be certified.
    Made(Trajectory),
    /// None, but the next attempt may make one.
    Failed,
    /// There are no more attempts.
    Over,
}

/// A trajectory and its proof.
pub(super) struct Answer {
    pub(super) trajectory: Trajectory,
    pub(super) certificate: Certificate,
    pub(super) raw_duration: f64,
    /// What it costs: its duration, unless the caller has another measure.
    pub(super) cost: f64,
}

/// The best answer of a worker, and how it came to be.
pub(super) struct Best {
    pub(super) answer: Answer,
    /// Samples that the first answer took.
    pub(super) samples: u64,
    /// How many times it was bettered.
    pub(super) improvements: u32,
}

impl Best {
    pub(super) fn solution(self, statistics: Statistics, cut_short: Option<Budget>) -> Solution {
        let Answer { trajectory, certificate, raw_duration, cost } = self.answer;
        let statistics = Statistics { raw_duration, cost, ..statistics };
        Solution { trajectory, certificate, statistics, improvements: self.improvements, cut_short }
    }
}

/// What a worker comes to.
pub(super) struct Finish {
    /// Its best answer, or the budget that was spent.
    pub(super) best: Result<Best, Budget>,
    pub(super) statistics: Statistics,
    /// Why an answer could not be certified, the last time.
    pub(super) violation: Option<Violation>,
    /// What is left between the trees of a search that found nothing.
    pub(super) gap: Option<Gap>,
}

impl Finish {
    /// An answer that there was no need to search for.
    pub(super) fn at_once(mut worker: Worker<'_>, trajectory: Trajectory, certificate: Certificate) -> Self {
        let cost = worker.cost_of(&trajectory);
        let answer = Answer { trajectory, certificate, raw_duration: 0.0, cost };
        let best = Best { answer, samples: 0, improvements: 0 };
        Self { best: Ok(best), statistics: worker.counted(), violation: None, gap: None }
    }
}

/// Finds an answer, then better ones as far as the options ask for them.
pub(super) fn drive<'a, F: Family<'a>>(
    mut family: F,
    termination: &Termination<'_>,
    race: &Race,
    improve: Option<Improve>,
) -> Result<Finish, CheckError> {
    family.ask_for_clearance()?;
    let best = match first(&mut family, &termination.racing(race)) {
        Ok(answer) => {
            let worker = family.worker();
            let samples = worker.statistics.iterations;
            race.answered(samples);
            worker.has_answer = true;
            let termination = termination.until(improve);
            worker.local.set_stop(termination.stop());
            // Nobody else asks for it before the answer is given.
            let PlanOptions { searches, polish_tries, observer, .. } = worker.options;
            if improve.is_some() || observer.is_some() || *searches > 1 || *polish_tries > 0 {
                worker.least_cost = worker.options.cost.least(worker.problem, least_duration(worker.problem));
            }
            let mut best = Best { answer, samples, improvements: 0 };
            family.keep();
            tell(&mut family, &best);
            // A backend that fails now takes nothing from an answer that is proved already.
            let _ = better(&mut family, &mut best, &termination, improve.is_some());
            Ok(best)
        }
        Err(Halt::Spent(budget)) => Err(budget),
        Err(Halt::Failed(error)) => return Err(error),
    };
    let worker = family.worker();
    let statistics = worker.counted();
    Ok(Finish { best, statistics, violation: worker.violation.take(), gap: worker.gap.take() })
}

/// The first answer that can be certified.
fn first<'a, F: Family<'a>>(family: &mut F, termination: &Termination<'_>) -> Result<Answer, Halt> {
    loop {
        let paths = family.search(None, termination)?;
        if let Some(answer) = certified(family, paths, None, termination)? {
            return Ok(answer);
        }
        family.worker().statistics.repairs += 1;
        if let Some(budget) = termination.interrupted() {
            return Err(Halt::Spent(budget));
        }
    }
}

/// Searches and polishes until that is done as often as the options ask for, in the stages of the qualities; or by turns
/// until it is late. An answer that costs no more than any can is not bettered.
fn better<'a, F: Family<'a>>(
    family: &mut F,
    best: &mut Best,
    termination: &Termination<'_>,
    is_timed: bool,
) -> Result<(), CheckError> {
    let least = family.worker().least_cost;
    let goes_on = |best: &Best| !termination.late() && best.answer.cost > least * (1.0 + SHORTEST);
    match is_timed {
        false => better_by_stages(family, best, termination, &goes_on),
        true if F::MAKES_SHORTER => better_by_turns(family, best, termination, &goes_on),
        true => {
            while goes_on(best) {
                polish(family, best, MOVES_PER_PROOF, termination)?;
                search_again(family, best, termination)?;
            }
            Ok(())
        }
    }
}

/// Searches and polishes as often as the options ask for, for as long as an answer `goes_on` to be bettered.
fn better_by_stages<'a, F: Family<'a>>(
    family: &mut F,
    best: &mut Best,
    termination: &Termination<'_>,
    goes_on: &dyn Fn(&Best) -> bool,
) -> Result<(), CheckError> {
    let (mut searched, mut polished) = (1, 0);
    for Stage { searches, polishes } in Stage::all(family.worker().options, family.worker().share.of) {
        family.worker().polishes = polishes;
        while searched < searches && goes_on(best) {
            match F::MAKES_SHORTER && polished > 0 {
                true => contend(family, best, termination)?,
                false => search_again(family, best, termination)?,
            }
            searched += 1;
        }
        while polished < polishes && goes_on(best) {
            let moves = (polishes - polished).min(MOVES_PER_PROOF);
            polish(family, best, moves, termination)?;
            polished += moves;
        }
    }
    Ok(())
}

/// Searches and polishes by turns, for as long as an answer `goes_on` to be bettered: that which has had less of the time.
/// It begins with a search, as a second way is often much better than the first.
fn better_by_turns<'a, F: Family<'a>>(
    family: &mut F,
    best: &mut Best,
    termination: &Termination<'_>,
    goes_on: &dyn Fn(&Best) -> bool,
) -> Result<(), CheckError> {
    let [mut searching, mut polishing] = [Duration::ZERO; 2];
    while goes_on(best) {
        let begun = Instant::now();
        if searching <= polishing {
            contend(family, best, termination)?;
            searching += begun.elapsed();
        } else {
            polish(family, best, MOVES_PER_PROOF, termination)?;
            polishing += begun.elapsed();
        }
    }
    Ok(())
}

/// A part of the work on a better answer: searches and moves of polishing up to its end, in all.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stage {
    searches: u32,
    polishes: u32,
}

impl Stage {
    /// The stages of the work of one of so many workers: all that the lower qualities do comes first, so that none of
    /// theirs is shorter.
    fn all(options: &PlanOptions, workers: usize) -> impl Iterator<Item = Self> + use<> {
        let PlanOptions { searches, polish_tries, .. } = *options;
        let share = workers as u32;
        let asked = Quality::ALL.into_iter().map(Quality::work).chain([(u32::MAX, u32::MAX)]);
        asked.map(move |(most, polishes)| Self {
            searches: searches.min(most).div_ceil(share),
            polishes: polish_tries.min(polishes),
        })
    }
}

/// Searches once more, and where what that finds is not better at once, polishes it for as long as it may yet become so:
/// the best has been polished too, so that a way which is better in the end hardly ever is at first.
fn contend<'a, F: Family<'a>>(
    family: &mut F,
    best: &mut Best,
    termination: &Termination<'_>,
) -> Result<(), CheckError> {
    let Some(paths) = found_again(family, best, termination)? else { return Ok(()) };
    for mut path in paths {
        let raw_duration = family.raw_duration(&path);
        let Attempt::Made(mut trajectory) = family.trajectory(&mut path, 0, termination.stop())? else { continue };
        let mut cost = family.worker().cost_of(&trajectory);
        while cost >= best.answer.cost && !termination.late() {
            let Some(next) = family.shorter(&trajectory, MOVES_PER_PROOF)? else { break };
            let (before, after) = (cost, family.worker().cost_of(&next));
            (trajectory, cost) = (next, after);
            // What gains nothing any more, and costs just as much, never will.
            if cost - best.answer.cost >= PROMISING * (before - cost) {
                break;
            }
        }
        if !is_useless(family.worker(), cost, &best.answer, termination) {
            let answer = proved(family.worker(), trajectory, cost, raw_duration, termination);
            replace(family, best, answer);
        }
    }
    Ok(())
}

/// The paths of one more search, which takes no longer than is reasonable by what the first answer took.
fn found_again<'a, F: Family<'a>>(
    family: &mut F,
    best: &Best,
    termination: &Termination<'_>,
) -> Result<Option<Vec<F::Path>>, CheckError> {
    let most = family.patience(best.samples);
    let termination = termination.within(family.worker().statistics.iterations.saturating_add(most));
    super::termination::unless_spent(family.search(Some(&best.answer), &termination))
}

/// Searches once more, for what is better at once.
fn search_again<'a, F: Family<'a>>(
    family: &mut F,
    best: &mut Best,
    termination: &Termination<'_>,
) -> Result<(), CheckError> {
    let paths = found_again(family, best, termination)?;
    let answer = certified(family, paths.unwrap_or_default(), Some(&best.answer), termination)?;
    replace(family, best, answer);
    Ok(())
}

/// Shortens the best answer by so many moves.
fn polish<'a, F: Family<'a>>(
    family: &mut F,
    best: &mut Best,
    moves: u32,
    termination: &Termination<'_>,
) -> Result<(), CheckError> {
    let Some(trajectory) = family.polish(&best.answer, moves)? else { return Ok(()) };
    let worker = family.worker();
    let cost = worker.cost_of(&trajectory);
    if !is_useless(worker, cost, &best.answer, termination) {
        let answer = proved(worker, trajectory, cost, best.answer.raw_duration, termination);
        replace(family, best, answer);
    }
    Ok(())
}

/// Takes an answer in place of the best if it costs less.
fn replace<'a, F: Family<'a>>(family: &mut F, best: &mut Best, answer: Option<Answer>) {
    let Some(answer) = answer.filter(|answer| answer.cost < best.answer.cost) else { return };
    best.answer = answer;
    family.keep();
    best.improvements = best.improvements.saturating_add(1);
    tell(family, best);
}

/// Tells the caller of an answer, if that is asked for.
fn tell<'a, F: Family<'a>>(family: &mut F, best: &Best) {
    let worker = family.worker();
    if let Some(observer) = &worker.options.observer {
        let (duration, samples) = (best.answer.trajectory.duration(), worker.statistics.iterations);
        let Best { answer: Answer { cost, .. }, improvements, .. } = *best;
        let least_cost = worker.least_cost;
        let progress = Progress { duration, cost, least_cost, samples, improvements };
        observer.tell(&progress, &best.answer.trajectory);
    }
}

/// The first trajectory along some paths that can be certified, shortened, or where more than a first answer is asked
/// for, the shortest; where there is an answer already, one that is to take its place.
fn certified<'a, F: Family<'a>>(
    family: &mut F,
    paths: Vec<F::Path>,
    best: Option<&Answer>,
    termination: &Termination<'_>,
) -> Result<Option<Answer>, CheckError> {
    let stop = termination.stop();
    // What a path is going to take tells nothing of another cost.
    let is_duration = family.worker().options.cost.is_duration();
    let to_beat = best.filter(|_| !F::SHORTENS);
    let mut longest = best.filter(|_| is_duration).map_or(f64::INFINITY, |best| best.cost);
    // Of several paths another may take less than the most promising, if there is to be more than a first answer.
    let are_compared = is_duration && !F::SHORTENS && family.worker().options.searches > 1;
    let mut found: Option<Answer> = None;
    for mut path in paths {
        if family.estimate(&path) >= longest || found.is_some() && termination.late() {
            continue;
        }
        for attempt in 0.. {
            if attempt > 0 && termination.late() {
                break;
            }
            let part = stop.share(REFINING);
            family.worker().local.set_stop(&part);
            let made = family.trajectory(&mut path, attempt, &part);
            family.worker().local.set_stop(stop);
            let trajectory = match made? {
                Attempt::Made(trajectory) => trajectory,
                Attempt::Failed => continue,
                Attempt::Over => break,
            };
            // Along the way it may be told better than before.
            let raw_duration = family.raw_duration(&path);
            let worker = family.worker();
            let cost = worker.cost_of(&trajectory);
            if found.as_ref().or(to_beat).is_some_and(|best| is_useless(worker, cost, best, termination)) {
                break;
            }
            let answer = proved(worker, trajectory, cost, raw_duration, termination);
            if let Some(answer) = answer {
                let answer = shortened(family, answer, termination)?;
                if !are_compared {
                    return Ok(Some(answer));
                }
                longest = longest.min(answer.cost);
                found = Some(answer);
                break;
            }
        }
    }
    Ok(found)
}

/// A shorter answer, if the family finds one.
fn shortened<'a, F: Family<'a>>(
    family: &mut F,
    answer: Answer,
    termination: &Termination<'_>,
) -> Result<Answer, CheckError> {
    let shorter = family.shorten(&answer, termination.stop())?;
    family.worker().local.set_stop(termination.stop());
    for trajectory in shorter {
        if termination.late() {
            break;
        }
        let worker = family.worker();
        let cost = worker.cost_of(&trajectory);
        if cost >= answer.cost {
            continue;
        }
        if let Some(shorter) = proved(worker, trajectory, cost, answer.raw_duration, termination) {
            return Ok(shorter);
        }
    }
    Ok(answer)
}

/// Whether a trajectory is of no use in place of the best: it costs as much, or there is no time for its proof.
fn is_useless(worker: &Worker<'_>, cost: f64, best: &Answer, termination: &Termination<'_>) -> bool {
    // A proof takes about as long as those before it did.
    let proofs = worker.statistics.searches.saturating_add(worker.statistics.polishes);
    cost >= best.cost || termination.late_for(worker.statistics.certify / proofs.max(1))
}

/// A trajectory with its proof, if that is found in time.
fn proved(
    worker: &mut Worker<'_>,
    trajectory: Trajectory,
    cost: f64,
    raw_duration: f64,
    termination: &Termination<'_>,
) -> Option<Answer> {
    let certificate = worker.certify(&trajectory, termination)?;
    Some(Answer { trajectory, certificate, raw_duration, cost })
}

/// Statistics of several workers: what they did in all, and the times of the one that took longest.
pub(super) fn together(workers: &[Finish]) -> Statistics {
    let mut all = Statistics::default();
    let mut longest = Duration::ZERO;
    for Finish { statistics: s, .. } in workers {
        if s.total() >= longest {
            longest = s.total();
            (all.plan, all.refine, all.certify) = (s.plan, s.refine, s.certify);
        }
        all.iterations += s.iterations;
        all.edges += s.edges;
        all.states += s.states;
        all.repairs += s.repairs;
        all.uncertified += s.uncertified;
        all.searches = all.searches.saturating_add(s.searches);
        all.polishes = all.polishes.saturating_add(s.polishes);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a quality does, the next one does first.
    #[test]
    fn higher_qualities_begin_as_lower_ones() {
        for workers in [1, 3] {
            let stages = Quality::ALL.map(|quality| {
                let mut options = PlanOptions::default();
                quality.apply(&mut options);
                let mut stages: Vec<Stage> = Stage::all(&options, workers).collect();
                stages.dedup();
                stages
            });
            let [fast, balanced, best] = &stages;
            assert_eq!(fast[..], balanced[..1]);
            assert_eq!(balanced[..], best[..2]);
            assert_eq!(best[2], Stage { searches: 16_u32.div_ceil(workers as u32), polishes: 1500 });
        }
    }
}
