//! Steps, carried out one after another. Nothing is decided here.

use contract::broker_object::{Binding, Destination, Exchange, Queue, Step};
use lapin::options::{
    ExchangeBindOptions, ExchangeDeclareOptions, ExchangeUnbindOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::{Channel, ExchangeKind};

use super::{Connection, short, table, within};
use crate::error::step_name;
use crate::{ApplyError, OperationError};

/// Carries out steps in their order and stops at the first that fails; each may be repeated. A cancelled call leaves the steps
/// before it carried out.
pub async fn apply(connection: &Connection, steps: &[Step]) -> Result<(), ApplyError> {
    let Some(first) = steps.first() else { return Ok(()) };
    let applier = connection.applier().await.map_err(|source| failed(first, source))?;
    for step in steps {
        applier.take(step).await?;
    }
    applier.close().await;
    Ok(())
}

/// Carries out steps one by one on a channel of its own, one round trip each, for whoever has something to do between them.
/// After a step that failed the channel is gone: take another applier.
#[derive(Debug)]
pub struct Applier<'a> {
    connection: &'a Connection,
    channel: Channel,
}

impl Applier<'_> {
    /// Carries out one step; it may be repeated. Whether a cancelled one was carried out is unknown.
    pub async fn take(&self, step: &Step) -> Result<(), ApplyError> {
        self.carry_out(step).await.map_err(|source| failed(step, source))
    }

    /// Gives the channel back, for whoever takes steps next; dropped, it is closed a little later.
    pub async fn close(self) {
        self.connection.give_back(self.channel).await;
    }

    async fn carry_out(&self, step: &Step) -> Result<(), OperationError> {
        let (channel, action) = (&self.channel, step_name(step));
        match step {
            Step::DeclareExchange(exchange) => declare_exchange(channel, &action, exchange).await,
            Step::DeclareQueue(queue) => declare_queue(channel, &action, queue).await,
            Step::Bind(binding) => bind(channel, &action, binding).await,
            Step::Unbind(binding) => unbind(channel, &action, binding).await,
            Step::DeleteQueue { name, force: true } => super::delete_queue(channel, &action, name).await,
            Step::DeleteQueue { name, force: false } => self.delete_empty(&action, name).await,
            Step::DeleteExchange { name } => super::delete_exchange(channel, &action, name).await,
        }
    }

    /// What comes between the look and the deletion is lost; a queue that is to go is unbound before.
    async fn delete_empty(&self, action: &str, queue: &str) -> Result<(), OperationError> {
        // On a channel of its own: the broker closes it where there is no such queue.
        match self.connection.passive_depth(queue).await? {
            None => Ok(()),
            Some(0) => super::delete_queue(&self.channel, action, queue).await,
            Some(ready) => Err(OperationError::NotEmpty { action: action.to_owned(), ready }),
        }
    }
}

impl Connection {
    /// For many steps one after another, with a channel for all of them.
    pub async fn applier(&self) -> Result<Applier<'_>, OperationError> {
        Ok(Applier { connection: self, channel: self.taken().await? })
    }

    /// Carries out one step, on a channel of its own.
    pub async fn declare(&self, step: &Step) -> Result<(), OperationError> {
        let applier = self.applier().await?;
        applier.carry_out(step).await?;
        applier.close().await;
        Ok(())
    }
}

fn failed(step: &Step, source: OperationError) -> ApplyError {
    ApplyError { step: Box::new(step.clone()), source }
}

async fn declare_exchange(channel: &Channel, action: &str, exchange: &Exchange) -> Result<(), OperationError> {
    let Exchange { name, kind, durable, auto_delete, internal, arguments } = exchange;
    let options = ExchangeDeclareOptions {
        durable: *durable,
        auto_delete: *auto_delete,
        internal: *internal,
        ..ExchangeDeclareOptions::default()
    };
    let (name, arguments) = (short(action, name)?, table::from_arguments(action, arguments)?);
    within(action, channel.exchange_declare(name, ExchangeKind::Custom(kind.clone()), options, arguments)).await
}

async fn declare_queue(channel: &Channel, action: &str, queue: &Queue) -> Result<(), OperationError> {
    let Queue { name, durable, auto_delete, arguments } = queue;
    let options =
        QueueDeclareOptions { durable: *durable, auto_delete: *auto_delete, ..QueueDeclareOptions::default() };
    let (name, arguments) = (short(action, name)?, table::from_arguments(action, arguments)?);
    within(action, channel.queue_declare(name, options, arguments)).await.map(drop)
}

async fn bind(channel: &Channel, action: &str, binding: &Binding) -> Result<(), OperationError> {
    let source = short(action, &binding.source)?;
    let destination = short(action, &binding.destination)?;
    let key = short(action, &binding.routing_key)?;
    let arguments = table::from_arguments(action, &binding.arguments)?;
    match binding.destination_kind {
        Destination::Queue => {
            within(action, channel.queue_bind(destination, source, key, QueueBindOptions::default(), arguments)).await
        }
        Destination::Exchange => {
            let options = ExchangeBindOptions::default();
            within(action, channel.exchange_bind(destination, source, key, options, arguments)).await
        }
    }
}

async fn unbind(channel: &Channel, action: &str, binding: &Binding) -> Result<(), OperationError> {
    let source = short(action, &binding.source)?;
    let destination = short(action, &binding.destination)?;
    let key = short(action, &binding.routing_key)?;
    let arguments = table::from_arguments(action, &binding.arguments)?;
    match binding.destination_kind {
        Destination::Queue => within(action, channel.queue_unbind(destination, source, key, arguments)).await,
        Destination::Exchange => {
            let options = ExchangeUnbindOptions::default();
            within(action, channel.exchange_unbind(destination, source, key, options, arguments)).await
        }
    }
}
