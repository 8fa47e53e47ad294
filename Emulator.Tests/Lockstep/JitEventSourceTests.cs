using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Globalization;
using Emulator.Devices;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Lockstep;

/// <summary>The counters that <c>dotnet-counters monitor --counters Emulator-Jit</c> shows.</summary>
[TestFixture]
[Category("Lockstep")]
internal sealed class JitEventSourceTests
{
    private static readonly string[] Counters = ["regions-compiled", "regions-dropped", "compile-time", "il-size"];

    /// <summary>again: INC ECX; CMP ECX, 800; JNZ again; MOV byte [again], 43h, which makes it INC EBX; JMP again.</summary>
    private static readonly byte[] Program = FlatProgram.Build((FlatProgram.Code, [0x41, 0x81, 0xF9, 0x20, 0x03, 0x00, 0x00, 0x75, 0xF7, 0xC6, 0x05, 0x58, 0x00, 0x01, 0x00, 0x43, 0xEB, 0xEE]));

    [Test]
    public void Counters_report_what_was_compiled_and_dropped()
    {
        using Listener listener = new();
        PcMachine machine = FlatProgram.Machine(Program);
        using JitTranslator translator = new(machine.Cpu, new JitOptions { HotThreshold = 50, Background = false });
        translator.Attach();
        Assert.That(listener.Wait(Counters), "all counters report");
        Dictionary<string, double> before = new(listener.Values);
        machine.Run(3000);
        Assert.That(translator.RegionsCompiled, Is.Positive);
        Assert.That(translator.RegionsDropped, Is.Positive);

        // Other tests may compile at the same time: at least what this one did.
        Assert.That(listener.WaitFor(v => v["regions-compiled"] - before["regions-compiled"] >= translator.RegionsCompiled
            && v["regions-dropped"] - before["regions-dropped"] >= translator.RegionsDropped
            && v["il-size"] - before["il-size"] >= translator.IlBytes
            && v["compile-time"] > before["compile-time"]), "the counters grow");
    }

    private sealed class Listener : EventListener
    {
        private const int Patience = 600;

        public ConcurrentDictionary<string, double> Values { get; } = new();

        public bool Wait(string[] names) => WaitFor(v => names.All(v.ContainsKey));

        public bool WaitFor(Func<IReadOnlyDictionary<string, double>, bool> condition)
        {
            for (int i = 0; i < Patience; i++)
            {
                if (condition(Values))
                {
                    return true;
                }

                Thread.Sleep(100);
            }

            return false;
        }

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "Emulator-Jit")
            {
                EnableEvents(eventSource, EventLevel.Informational, EventKeywords.All, new Dictionary<string, string?> { ["EventCounterIntervalSec"] = "0.1" });
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData is { EventName: "EventCounters", Payload: [IDictionary<string, object> counter, ..] } && Values is { } values)
            {
                values[(string)counter["Name"]] = Convert.ToDouble(counter["Mean"], CultureInfo.InvariantCulture);
            }
        }
    }
}
