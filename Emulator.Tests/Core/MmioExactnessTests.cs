using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using NUnit.Framework;

namespace Emulator.Tests.Core;

/// <summary>Device accesses in the middle of a block see the exact time, and what they change takes effect before the next instruction.</summary>
[TestFixture]
public sealed unsafe class MmioExactnessTests
{
    [Test]
    public void A_device_sees_the_instructions_retired_before_the_access()
    {
        CpuCore core = TestMachine.Create();
        Device device = new() { Core = core };
        core.Memory.MapDevice(0x80000000, 4096, device, &Device.Read, &Device.Write, null);

        // inc eax ; inc eax ; mov [80000000h], eax ; inc eax ; jmp $
        TestMachine.RunFlatCode(core, [0x40, 0x40, 0xA3, 0, 0, 0, 0x80, 0x40, 0xEB, 0xFE]);
        core.Run(100);
        Assert.That(device.Times, Is.EqualTo(new long[] { 2 }));
    }

    [Test]
    public void A_stop_by_a_memory_mapped_device_ends_behind_the_instruction()
    {
        CpuCore core = TestMachine.Create();
        Device device = new() { Core = core, Stop = true };
        core.Memory.MapDevice(0x80000000, 4096, device, &Device.Read, &Device.Write, null);
        TestMachine.RunFlatCode(core, [0x40, 0xA3, 0, 0, 0, 0x80, 0x40, 0x40, 0x40, 0xEB, 0xFE]);
        Assert.That(core.Run(100), Is.EqualTo(StopReason.Requested));
        Assert.That(core.Retired, Is.EqualTo(2));
        Assert.That(CpuState.R32(core.State, 0), Is.EqualTo(1));
        core.Run(3);
        Assert.That(CpuState.R32(core.State, 0), Is.EqualTo(4), "the block goes on where it stopped");
        core.State->Eip = TestMachine.CodeAddress;
        core.Run(2);
        Assert.That(device.Times, Has.Count.EqualTo(2), "the block is whole again");
    }

    [Test]
    public void An_event_that_a_memory_mapped_device_schedules_is_on_time()
    {
        CpuCore core = TestMachine.Create();
        List<long> seen = [];
        TimerEvent timer = core.Events.Register("t", _ => seen.Add(core.Retired));
        Device device = new() { Core = core, Timer = timer };
        core.Memory.MapDevice(0x80000000, 4096, device, &Device.Read, &Device.Write, null);
        TestMachine.RunFlatCode(core, [0x40, 0xA3, 0, 0, 0, 0x80, 0x40, 0x40, 0x40, 0x40, 0x40, 0xEB, 0xFE]);
        core.Run(100);
        Assert.That(seen, Is.EqualTo(new long[] { 3 }), "scheduled two instructions' time after the one instruction that had retired");
    }

    private sealed class Device
    {
        public required CpuCore Core { get; init; }

        public bool Stop { get; init; }

        public TimerEvent? Timer { get; init; }

        public List<long> Times { get; } = [];

        public static ulong Read(object target, uint address, int size) => 0;

        public static void Write(object target, uint address, int size, ulong value)
        {
            Device d = (Device)target;
            d.Times.Add(d.Core.Retired);
            if (d.Stop)
            {
                d.Core.RequestStop();
            }

            if (d.Timer is not null)
            {
                d.Core.Events.Schedule(d.Timer, d.Core.Clock.Now + (2 * Clock.NanosecondsPerInstruction));
            }
        }
    }
}
