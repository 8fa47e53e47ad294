using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Core;

/// <summary>Time within a slice under the host clock. The host's time is a function of the instructions here.</summary>
[TestFixture(false)]
[TestFixture(true)]
public sealed class HostClockTests(bool translate)
{
    private const uint Stamps = 0x100000;
    private const int Interval = 203;

    /// <summary>MOV EDI, 100000h; again: RDTSC, STOSD, MOV ECX, 100, LOOP $, JMP again: a time stamp each 203 instructions or so.</summary>
    private static readonly byte[] StampLoop = [0xBF, 0, 0, 0x10, 0, 0x0F, 0x31, 0xAB, 0xB9, 199, 0, 0, 0, 0xE2, 0xFE, 0xEB, 0xF4];

    [TestCase(2)]
    [TestCase(10)]
    [TestCase(60)]
    public void Time_stamps_go_forward_with_instructions(int nanosecondsPerInstruction)
    {
        CpuCore core = Create(_ => nanosecondsPerInstruction);
        core.Run(2_000_000);
        uint[] stamps = Read(core);
        Assert.That(stamps, Has.Length.GreaterThan(9000));
        Assert.That(stamps.Zip(stamps.Skip(1), (a, b) => b >= a), Is.All.True);
        long exact = Interval * nanosecondsPerInstruction;
        for (int i = stamps.Length / 2; i < stamps.Length; i++)
        {
            Assert.That(stamps[i] - stamps[i - 1], Is.GreaterThan(exact / 2).And.LessThan(exact * 20), "a fraction of a slice of 20,000 instructions is made up for at its end");
            Assert.That(stamps[i], Is.LessThanOrEqualTo((i + 1) * exact), "time is not ahead of a host that keeps its pace");
        }
    }

    [Test]
    public void Time_neither_goes_back_nor_runs_away_when_the_host_becomes_faster()
    {
        CpuCore core = Create(c => c.Retired <= 1_000_000 ? 50 : 3);
        core.Run(3_000_000);
        Assert.That(Read(core).Zip(Read(core).Skip(1), (a, b) => b >= a), Is.All.True);
        Assert.That(core.Clock.Now, Is.EqualTo(56_000_000).Within(100_000));
    }

    [Test]
    public void Time_stops_in_front_of_an_event()
    {
        CpuCore core = Create(_ => 20);
        core.Run(400_000);
        List<(long Due, uint Last)> seen = [];
        TimerEvent? timer = null;
        timer = core.Events.Register("t", due =>
        {
            seen.Add((due, Read(core)[^1]));
            core.Events.Schedule(timer!, due + 100_000);
        });
        core.Events.Schedule(timer, core.Clock.Now + 50_000);
        core.Run(4_000_000);
        Assert.That(seen, Has.Count.GreaterThan(500));
        Assert.That(seen.Where(e => e.Last >= e.Due), Is.Empty);
        Assert.That(seen.Count(e => e.Last > e.Due - 30_000), Is.GreaterThan(seen.Count / 2));
    }

    private static unsafe uint[] Read(CpuCore core)
    {
        uint[] stamps = new uint[(CpuState.R32(core.State, 7) - Stamps) / 4];
        for (int i = 0; i < stamps.Length; i++)
        {
            stamps[i] = core.Memory.Read<uint>(Stamps + (uint)(4 * i));
        }

        return stamps;
    }

    /// <summary>A CPU and a host on which each instruction takes the nanoseconds that the function says when the host's clock is read.</summary>
    private CpuCore Create(Func<CpuCore, int> pace)
    {
        CpuCore? core = null;
        long host = 0;
        long retired = 0;
        core = TestMachine.Create(null, () =>
        {
            if (core is not null)
            {
                host += (core.Retired - retired) * pace(core);
                retired = core.Retired;
            }

            return host;
        });
        TestMachine.RunFlatCode(core, StampLoop);
        if (translate)
        {
            new JitTranslator(core, new JitOptions()).Attach();
        }

        return core;
    }
}
