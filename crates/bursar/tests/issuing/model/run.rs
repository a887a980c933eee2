//! Does the operations of a case, up to eight at once, and judges every answer.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bursar_core::ports::clock::Clock as _;
use futures::future::LocalBoxFuture;
use jiff::SignedDuration;

use super::faults::{Broken, Plan};
use super::log::{Act, Scope};
use super::operations::{Case, Operation};
use super::promises::{Model, Verdict};
use super::schedule::{Chance, LONGEST, step};
use super::steps::Run;
use super::tally::Tally;
use super::world::{CLIENTS, NODES, World};
use crate::issuing::site::Backend;

/// Somebody at work.
struct Task {
    attempt: usize,
    node: usize,
    future: LocalBoxFuture<'static, Verdict>,
}

/// # Errors
/// The first rule that does not hold.
pub(super) fn run(backend: &Backend, broken: Option<Broken>, case: &Case) -> Result<Tally, String> {
    let world = World::new(backend.clone(), Plan::new(broken));
    let lifetimes = world.nodes[0].rules().lifetimes;
    let model = Model::new(world.clock.now(), lifetimes);
    let run = Run { world: Rc::new(RefCell::new(world)), model: Rc::new(RefCell::new(model)) };
    let mut chance = Chance::new(case.seed);
    let patience = 2 + chance.below(20);
    let mut player = Player { run, tasks: Vec::new(), chance, patience };
    player.play(&case.operations)?;
    player.take_stock()?;
    let tally = player.run.model.borrow().tally;
    Ok(tally)
}

struct Player {
    run: Run,
    tasks: Vec<Task>,
    chance: Chance,
    /// How long others go on before somebody begins.
    patience: usize,
}

impl Player {
    fn play(&mut self, operations: &[Operation]) -> Verdict {
        let mut steps = 0;
        for operation in operations {
            while self.tasks.len() == CLIENTS
                || (!self.tasks.is_empty() && self.chance.below(self.patience) > 0)
            {
                self.go_on()?;
                steps += 1;
                if steps > LONGEST {
                    return self.nobody_gets_on();
                }
            }
            match operation {
                Operation::Pause => self.finish()?,
                other => self.begin(*other),
            }
        }
        self.finish()
    }

    fn begin(&mut self, operation: Operation) {
        let act = match operation {
            Operation::Pass { seconds } => return self.pass(seconds),
            Operation::SetBack { seconds } => return self.set_back(seconds),
            Operation::Crash { node } => return self.crash(node),
            Operation::Restart => {
                for node in 0..NODES {
                    self.interrupt(node);
                }
                return self.run.world.borrow_mut().restart();
            }
            Operation::Break(fault) => return self.run.world.borrow().plan.arm(fault),
            other => self.chosen(other),
        };
        if let Some(act) = act {
            let node = self.chance.below(NODES);
            self.start(act, node);
        }
    }

    /// What an operation means now; `None`: there is nothing to do it with.
    fn chosen(&self, operation: Operation) -> Option<Act> {
        let (world, model) = (self.run.world.borrow(), self.run.model.borrow());
        // One of the latest, because the others have mostly ended.
        let among = |number: usize, fits: &dyn Fn(usize) -> bool| {
            let found: Vec<usize> =
                (0..model.logins.len()).rev().filter(|login| fits(*login)).take(LATEST).collect();
            (!found.is_empty()).then(|| found[number % found.len()])
        };
        let begun = |number: usize| {
            among(number, &|login| model.lives(login))
                .or_else(|| among(number, &|login| model.has_begun(login)))
        };
        let token = |login: usize, number: usize| number % model.logins[login].access.len();
        Some(match operation {
            Operation::Ask { client, user } => Act::Ask { client: world.today[client], user },
            Operation::Redeem { login, again } => {
                Act::Redeem(among(login, &|login| again || model.is_new(login))?)
            }
            Operation::Refresh { login, back, narrow } => {
                let login = begun(login)?;
                let generation = (model.logins[login].refresh.len() - 1).saturating_sub(back);
                Act::Refresh { login, generation, narrow }
            }
            Operation::Look { login, token: number, introspects } => {
                let login = begun(login)?;
                Act::Look { login, token: token(login, number), introspects }
            }
            Operation::GiveBack { login } => Act::End(Scope::Login(begun(login)?)),
            Operation::GiveBackAccess { login, token: number } => {
                let login = begun(login)?;
                Act::End(Scope::Token(login, token(login, number)))
            }
            Operation::Withdraw { login } => {
                let login = &model.logins[among(login, &|_| true)?];
                Act::End(Scope::Grant { client: login.client, user: login.user })
            }
            Operation::RemoveClient { client } if world.has_spare_client() => {
                Act::End(Scope::Client(world.today[client]))
            }
            Operation::Disable { user } => Act::End(Scope::User(user)),
            Operation::Enable { user } => Act::Enable(user),
            Operation::Tidy => Act::Tidy,
            _ => return None,
        })
    }

    fn start(&mut self, act: Act, node: usize) {
        let attempt = self.run.model.borrow_mut().log.begin(act);
        let future = Box::pin(self.run.clone().attempt(attempt, node, act));
        self.tasks.push(Task { attempt, node, future });
    }

    /// One step of somebody.
    fn go_on(&mut self) -> Verdict {
        let chosen = self.chance.below(self.tasks.len());
        let task = &mut self.tasks[chosen];
        self.run.world.borrow().plan.acts(task.attempt);
        if let Some(verdict) = step(&mut task.future) {
            self.tasks.swap_remove(chosen);
            return verdict;
        }
        Ok(())
    }

    fn finish(&mut self) -> Verdict {
        for _ in 0..LONGEST {
            if self.tasks.is_empty() {
                return Ok(());
            }
            self.go_on()?;
        }
        self.nobody_gets_on()
    }

    fn nobody_gets_on(&self) -> Verdict {
        let model = self.run.model.borrow();
        let acts: Vec<Act> = self.tasks.iter().map(|task| model.log.attempts[task.attempt].act).collect();
        Err(format!("nobody gets on: {acts:?}"))
    }

    fn pass(&self, seconds: u64) {
        let clock = self.run.world.borrow().clock.clone();
        clock.advance(Duration::from_secs(seconds));
        self.run.model.borrow_mut().log.clock_says(clock.now());
    }

    fn set_back(&self, seconds: i64) {
        let clock = self.run.world.borrow().clock.clone();
        clock.jump(SignedDuration::from_secs(-seconds));
        self.run.model.borrow_mut().log.clock_says(clock.now());
    }

    fn crash(&mut self, node: usize) {
        self.interrupt(node);
        self.run.world.borrow_mut().replace(node);
    }

    /// Nobody there goes on.
    fn interrupt(&mut self, node: usize) {
        let (dead, alive) = self.tasks.drain(..).partition(|task: &Task| task.node == node);
        self.tasks = alive;
        let dead: Vec<Task> = dead;
        for Task { attempt, .. } in dead {
            self.run.model.borrow_mut().cut(attempt);
        }
    }

    /// At last, when nothing fails any more: every token is looked at, and every client goes on with what it has.
    fn take_stock(&mut self) -> Verdict {
        self.run.world.borrow().plan.disarm();
        for round in 0..2 {
            let logins = self.run.model.borrow().logins.len();
            for login in 0..logins {
                if !self.run.model.borrow().has_begun(login) {
                    continue;
                }
                let generation = self.run.model.borrow().logins[login].refresh.len() - 1;
                self.alone(Act::Refresh { login, generation, narrow: false }, round)?;
                let tokens = self.run.model.borrow().logins[login].access.len();
                for token in 0..tokens {
                    self.alone(Act::Look { login, token, introspects: token % 2 == 0 }, round)?;
                }
            }
        }
        Ok(())
    }

    fn alone(&mut self, act: Act, node: usize) -> Verdict {
        self.start(act, node);
        self.finish()
    }
}

/// So many logins are in use at a time.
const LATEST: usize = 6;
