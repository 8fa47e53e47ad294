using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using NUnit.Framework;

namespace Emulator.Tests.Core;

/// <summary>Order, rescheduling and snapshots of device events.</summary>
[TestFixture]
public sealed class EventQueueTests
{
    [Test]
    public void Events_run_at_the_exact_instruction()
    {
        CpuCore core = TestMachine.Create();
        TestMachine.RunFlatCode(core, TestMachine.EndlessLoop);
        List<long> seen = [];
        TimerEvent timer = core.Events.Register("t", _ => seen.Add(core.Retired));
        core.Events.Schedule(timer, 1001);
        core.Run(1000);
        Assert.That(seen, Is.EqualTo(new long[] { 251 }), "1001 ns at 4 ns an instruction is due before instruction 252");
        Assert.That(core.Retired, Is.EqualTo(1000));
    }

    [Test]
    public void Equal_times_keep_insertion_order_and_earlier_times_go_first()
    {
        CpuCore core = TestMachine.Create();
        TestMachine.RunFlatCode(core, TestMachine.EndlessLoop);
        List<string> order = [];
        TimerEvent a = core.Events.Register("a", _ => order.Add("a"));
        TimerEvent b = core.Events.Register("b", _ => order.Add("b"));
        TimerEvent c = core.Events.Register("c", _ => order.Add("c"));
        core.Events.Schedule(c, 400);
        core.Events.Schedule(b, 400);
        core.Events.Schedule(a, 200);
        core.Run(200);
        Assert.That(order, Is.EqualTo(new[] { "a", "c", "b" }));
    }

    [Test]
    public void A_cancelled_or_moved_event_does_not_run_at_its_old_time()
    {
        CpuCore core = TestMachine.Create();
        TestMachine.RunFlatCode(core, TestMachine.EndlessLoop);
        List<long> seen = [];
        TimerEvent a = core.Events.Register("a", seen.Add);
        TimerEvent b = core.Events.Register("b", seen.Add);
        core.Events.Schedule(a, 400);
        core.Events.Schedule(b, 400);
        core.Events.Cancel(a);
        core.Events.Schedule(b, 800);
        core.Run(300);
        Assert.That(seen, Is.EqualTo(new long[] { 800 }));
        Assert.That(core.Events.NextDue, Is.EqualTo(long.MaxValue));
    }

    [Test]
    public void Pending_events_survive_a_snapshot_with_their_order()
    {
        CpuCore core = TestMachine.Create();
        TimerEvent a = core.Events.Register("a", _ => { });
        TimerEvent b = core.Events.Register("b", _ => { });
        core.Events.Schedule(b, 400);
        core.Events.Schedule(a, 400);
        StateArchive saved = new("events", 1);
        core.Events.Serialize(saved);

        CpuCore other = TestMachine.Create();
        List<string> order = [];
        other.Events.Register("a", _ => order.Add("a"));
        other.Events.Register("b", _ => order.Add("b"));
        other.Events.Serialize(new StateArchive("events", 1, saved.ToArray()));
        TestMachine.RunFlatCode(other, TestMachine.EndlessLoop);
        other.Run(200);
        Assert.That(order, Is.EqualTo(new[] { "b", "a" }));
    }

    [Test]
    public void A_halted_cpu_skips_to_the_next_event()
    {
        CpuCore core = TestMachine.Create();
        TestMachine.RunFlatCode(core, TestMachine.EndlessLoop);
        long at = 0;
        TimerEvent timer = core.Events.Register("t", _ =>
        {
            at = core.Clock.Now;
            core.RequestStop();
        });
        core.Events.Schedule(timer, 5_000_000);
        TestMachine.Halt(core);
        Assert.That(core.Run(1000), Is.EqualTo(StopReason.Requested));
        Assert.That(at, Is.EqualTo(5_000_000));
        Assert.That(core.Retired, Is.Zero);
    }
}
