using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Jit;
using Emulator.Tests.Core;
using NUnit.Framework;

namespace Emulator.Tests.Lockstep;

/// <summary>A region is not entered with less budget than its longest way; what happens at the ends of slices then.</summary>
[TestFixture]
[Category("Lockstep")]
internal sealed unsafe class SliceEndTests
{
    private const int BodyLength = 200;
    private const long Instructions = 10_000_000;

    /// <summary>INC EAX, two hundred times, around and around.</summary>
    private static readonly byte[] Loop = [.. Enumerable.Repeat((byte)0x40, BodyLength), 0xE9, .. BitConverter.GetBytes(-(BodyLength + 5))];

    [Test]
    public void Host_clock_leaves_the_ends_of_slices_to_regions()
    {
        (long retired, long interpreted, uint eax) = Run(() => 0);
        Assert.Multiple(() =>
        {
            Assert.That(retired, Is.EqualTo(Instructions), "the limit is exact");
            Assert.That(eax, Is.EqualTo(Expected));
            Assert.That(interpreted, Is.LessThan(5_000));
        });
    }

    [Test]
    public void Counted_slices_end_exactly()
    {
        (long retired, _, uint eax) = Run(hostNanoseconds: null);
        Assert.That((retired, eax), Is.EqualTo((Instructions, Expected)));
    }

    private static uint Expected => (uint)((Instructions / (BodyLength + 1) * BodyLength) + (Instructions % (BodyLength + 1)));

    private static (long Retired, long Interpreted, uint Eax) Run(Func<long>? hostNanoseconds)
    {
        CpuCore core = TestMachine.Create(hostNanoseconds: hostNanoseconds);
        TestMachine.RunFlatCode(core, Loop);
        using JitTranslator translator = new(core, new JitOptions { HotThreshold = 2, Background = false });
        translator.Attach();
        Assert.That(core.Run(Instructions), Is.EqualTo(StopReason.Limit));
        return (core.Retired, core.Retired - core.TranslatedInstructions, CpuState.R32(core.State, 0));
    }
}
