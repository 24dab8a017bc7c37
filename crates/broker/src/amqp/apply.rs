//! Steps, carried out one after another. Nothing is decided here.

use contract::broker_object::{Binding, Destination, Exchange, Queue, Step};
use lapin::options::{
    ExchangeBindOptions, ExchangeDeclareOptions, ExchangeUnbindOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::{Channel, ExchangeKind};

use super::{Connection, close, short, table, within};
use crate::error::step_name;
use crate::{ApplyError, OperationError};

/// Carries out steps in their order and stops at the first that fails; each may be repeated. A cancelled call leaves the steps
/// before it carried out.
pub async fn apply(connection: &Connection, steps: &[Step]) -> Result<(), ApplyError> {
    let Some(first) = steps.first() else { return Ok(()) };
    let fail = |step: &Step, source| ApplyError { step: Box::new(step.clone()), source };
    let channel = connection.channel().await.map_err(|source| fail(first, source))?;
    for step in steps {
        take(&channel, step).await.map_err(|source| fail(step, source))?;
    }
    close(&channel).await;
    Ok(())
}

impl Connection {
    /// Carries out one step.
    pub async fn declare(&self, step: &Step) -> Result<(), OperationError> {
        let channel = self.channel().await?;
        take(&channel, step).await?;
        close(&channel).await;
        Ok(())
    }
}

async fn take(channel: &Channel, step: &Step) -> Result<(), OperationError> {
    let action = step_name(step);
    match step {
        Step::DeclareExchange(exchange) => declare_exchange(channel, &action, exchange).await,
        Step::DeclareQueue(queue) => declare_queue(channel, &action, queue).await,
        Step::Bind(binding) => bind(channel, &action, binding).await,
        Step::Unbind(binding) => unbind(channel, &action, binding).await,
    }
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
